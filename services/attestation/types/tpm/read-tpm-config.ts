import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { checkMembers, invalidConfig } from '../read-config.ts'
import type { Certificate } from '../x509/path/certificate.ts'
import { readRoots } from '../x509/path/read-pinned.ts'
import { PCR_COUNT, PCR_VALUE, readPcrNumber } from './structures/pcrs.ts'

/** The configuration of an attestor of the type `tpm`. */
export interface TpmConfig {
  /** The authorities that certify endorsement keys. */
  readonly ekRoots: readonly Certificate[]
  /** The values that each PCR may have, in hexadecimal. */
  readonly pcrs: ReadonlyMap<number, readonly string[]>
  /** The PCRs that a quote must contain: those of `pcrs`, and those that may have any value. */
  readonly requiredPcrs: readonly number[]
  /** The versions of the firmware of the TPM that count; undefined if all do. */
  readonly firmwareVersions: readonly string[] | undefined
}

const MEMBERS = ['ek_roots', 'pcrs', 'required_pcrs', 'firmware_versions']
const MAX_VALUES = 32
const FIRMWARE_VERSION = /^[0-9a-f]{16}$/

/**
 * Reads the configuration. Refuses unknown members.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readTpmConfig(config: JsonObject): TpmConfig {
  checkMembers(config, MEMBERS)
  const pcrs = readPcrs(config['pcrs'])
  const required = readRequired(config['required_pcrs'])
  return {
    ekRoots: readRoots(config, 'ek_roots'),
    pcrs,
    requiredPcrs: [...new Set([...pcrs.keys(), ...required])],
    firmwareVersions: readFirmwareVersions(config['firmware_versions']),
  }
}

function readPcrs(value: unknown): ReadonlyMap<number, readonly string[]> {
  if (value === undefined) return new Map()
  if (!isJsonObject(value)) throw invalidConfig('pcrs', 'must be an object of lists')
  return new Map(
    Object.entries(value).map(([name, values]) => {
      const pcr = readPcrNumber(name)
      if (pcr === undefined) throw invalidConfig('pcrs', `must have only members from 0 to ${PCR_COUNT - 1}`)
      return [pcr, readHexes(values, `pcrs.${name}`, PCR_VALUE)]
    }),
  )
}

function readRequired(value: unknown): readonly number[] {
  if (value === undefined) return []
  const numbers: readonly unknown[] = Array.isArray(value) ? value : []
  const pcrs = numbers.filter(isPcr)
  if (pcrs.length >= 1 && pcrs.length === numbers.length && new Set(pcrs).size === pcrs.length) return pcrs
  throw invalidConfig('required_pcrs', `must be a list of different numbers between 0 and ${PCR_COUNT - 1}`)
}

function readFirmwareVersions(value: unknown): readonly string[] | undefined {
  return value === undefined ? undefined : readHexes(value, 'firmware_versions', FIRMWARE_VERSION)
}

/** Reads a list of texts that have the form. An empty list would allow nothing, so it is refused. */
function readHexes(value: unknown, member: string, form: RegExp): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  const hexes = list.filter((entry): entry is string => typeof entry === 'string' && form.test(entry))
  const isRight = hexes.length === list.length && list.length >= 1 && list.length <= MAX_VALUES
  if (isRight && new Set(hexes).size === hexes.length) return hexes
  const digits = form === PCR_VALUE ? 64 : 16
  throw invalidConfig(member, `must be a list of 1 to ${MAX_VALUES} different texts of ${digits} lower-case hex digits`)
}

function isPcr(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < PCR_COUNT
}
