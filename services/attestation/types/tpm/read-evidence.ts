import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { isJsonObject, type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { RefusedEvidence } from '../attestor-type.ts'
import { PCR_VALUE, readPcrNumber } from './structures/pcrs.ts'

/** The keys of a TPM, as an agent sends them for a challenge and again as evidence. */
export interface SentKeys {
  /** The certificate of the endorsement key and those above it, DER. */
  readonly chain: readonly Uint8Array[]
  /** The endorsement key, TPM2B_PUBLIC. */
  readonly ekPublic: Uint8Array
  /** The attestation key, TPM2B_PUBLIC. */
  readonly akPublic: Uint8Array
}

/** The evidence, decoded but not checked. */
export interface TpmEvidence extends SentKeys {
  readonly secret: Uint8Array
  /** TPMS_ATTEST */
  readonly quote: Uint8Array
  /** TPMT_SIGNATURE */
  readonly signature: Uint8Array
  /** The values of PCRs of the bank SHA-256, in hexadecimal. */
  readonly pcrs: ReadonlyMap<number, string>
  readonly eventLog: Uint8Array | undefined
}

const KEYS = ['ek_certificate', 'ek_chain', 'ek_public', 'ak_public']
const EVIDENCE = [...KEYS, 'secret', 'quote', 'signature', 'pcrs', 'event_log']
const MAX_CHAIN = 4

/**
 * Reads the input of a challenge.
 *
 * @throws RefusedEvidence
 */
export function readKeys(input: Uint8Array): SentKeys {
  return keysOf(readObject(input, KEYS))
}

/**
 * Reads evidence.
 *
 * @throws RefusedEvidence
 */
export function readEvidence(evidence: Uint8Array): TpmEvidence {
  const members = readObject(evidence, EVIDENCE)
  return {
    ...keysOf(members),
    secret: readBytes(members, 'secret'),
    quote: readBytes(members, 'quote'),
    signature: readBytes(members, 'signature'),
    pcrs: readPcrs(members['pcrs']),
    eventLog: Object.hasOwn(members, 'event_log') ? readBytes(members, 'event_log') : undefined,
  }
}

function readObject(bytes: Uint8Array, known: readonly string[]): JsonObject {
  const json = parseStrictJson(bytes)
  if (!json.ok) throw new RefusedEvidence(`The evidence must be one strict JSON object, but: ${json.why}`)
  checkMembers(json.value, known, 'The evidence')
  return json.value
}

function checkMembers(object: JsonObject, known: readonly string[], name: string): void {
  const unknown = Object.keys(object).find((member) => !known.includes(member))
  if (unknown === undefined) return
  throw new RefusedEvidence(`${name} must not have a member ${JSON.stringify(unknown.slice(0, 64))}`)
}

function keysOf(members: JsonObject): SentKeys {
  return {
    chain: [readBytes(members, 'ek_certificate'), ...readChain(members['ek_chain'])],
    ekPublic: readBytes(members, 'ek_public'),
    akPublic: readBytes(members, 'ak_public'),
  }
}

function readChain(value: unknown): readonly Uint8Array[] {
  if (value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  const chain = list.map((text) => decodeText(text)).filter((der) => der !== undefined)
  if (chain.length === list.length && list.length >= 1 && list.length <= MAX_CHAIN) return chain
  throw new RefusedEvidence(`ek_chain must be a list of 1 to ${MAX_CHAIN} certificates in base64`)
}

function readPcrs(value: unknown): ReadonlyMap<number, string> {
  const banks = isJsonObject(value) ? value : {}
  checkMembers(banks, ['sha256'], 'pcrs')
  const values = banks['sha256']
  if (!isJsonObject(values)) throw new RefusedEvidence('pcrs must be an object with the member sha256, an object')
  return new Map(
    Object.entries(values).map(([name, value]) => {
      const pcr = readPcrNumber(name)
      if (pcr !== undefined && typeof value === 'string' && PCR_VALUE.test(value)) return [pcr, value]
      throw new RefusedEvidence('pcrs must have members from 0 to 23 with values of 64 lower-case hex digits')
    }),
  )
}

function readBytes(members: JsonObject, member: string): Uint8Array {
  const bytes = decodeText(Object.hasOwn(members, member) ? members[member] : undefined)
  if (bytes === undefined) throw new RefusedEvidence(`${member} must be bytes in base64`)
  return bytes
}

function decodeText(value: unknown): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  return bytes?.length === 0 ? undefined : bytes
}
