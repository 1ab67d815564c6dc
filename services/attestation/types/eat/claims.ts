import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { type ClaimValue, RefusedEvidence } from '../attestor-type.ts'
import { isClaimText, pickClaim } from '../pick-claims.ts'
import type { CborValue } from './cbor.ts'

/** The encodings of an EAT. */
export const EAT_FORMATS = ['jwt', 'cwt'] as const

/** An encoding of an EAT. */
export type EatFormat = (typeof EAT_FORMATS)[number]

/** The claims of a token whose signature is valid, by their names in JSON. Values are as the encoding has them. */
export interface EatClaims {
  readonly format: EatFormat
  readonly values: JsonObject
}

/** Claims that have an integer key in a CWT (RFC 8392 section 4, RFC 9711 section 10.2), by that key. */
const CWT_KEYS: ReadonlyMap<number | string, string> = new Map([
  [1, 'iss'],
  [2, 'sub'],
  [3, 'aud'],
  [4, 'exp'],
  [5, 'nbf'],
  [6, 'iat'],
  [7, 'jti'],
  [10, 'eat_nonce'],
  [256, 'ueid'],
  [257, 'sueids'],
  [258, 'oemid'],
  [259, 'hwmodel'],
  [260, 'hwversion'],
  [261, 'uptime'],
  [262, 'oemboot'],
  [263, 'dbgstat'],
  [264, 'location'],
  [265, 'eat_profile'],
  [266, 'submods'],
  [267, 'bootcount'],
  [268, 'bootseed'],
  [269, 'dloas'],
  [270, 'swname'],
  [271, 'swversion'],
  [272, 'manifests'],
  [273, 'measurements'],
  [274, 'measres'],
  [275, 'intuse'],
])
const REGISTERED: readonly string[] = [...CWT_KEYS.values()]
/** Debug states by their numbers in a CWT (RFC 9711 section 4.2.9). */
const DEBUG_STATES = [
  'enabled',
  'disabled',
  'disabled-since-boot',
  'disabled-permanently',
  'disabled-fully-and-permanently',
]

type Read = (value: unknown, format: EatFormat) => ClaimValue | undefined

/** How the registered claims are shown. A reader returns undefined for a value that the claim cannot have. */
const READERS: Readonly<Record<string, Read>> = {
  iss: readText,
  sub: readText,
  ueid: (value, format) => readHex(value, format, 7, 33),
  oemid: readOemId,
  hwmodel: (value, format) => readHex(value, format, 1, 32),
  hwversion: readVersion,
  swname: readText,
  swversion: readVersion,
  oemboot: (value) => (typeof value === 'boolean' ? value : undefined),
  dbgstat: readDebugState,
  uptime: readCount,
  bootcount: readCount,
}

/** Registered claims that are not shown: those checked here, and those with a structure that rules cannot read. */
export const HIDDEN_CLAIMS: readonly string[] = REGISTERED.filter((name) => !Object.hasOwn(READERS, name))

/**
 * Names the claims of a CWT as those of a JWT. A name that has an integer key must not be a text key, so that a token
 * has no claim twice. Skips private claims with integer keys.
 *
 * @throws RefusedEvidence
 */
export function nameCwtClaims(payload: CborValue): EatClaims {
  if (!(payload instanceof Map)) throw new RefusedEvidence('The payload of the token must be a map')
  const named: [string, unknown][] = []
  for (const [key, value] of payload) {
    const name = CWT_KEYS.get(key) ?? key
    if (name === key && REGISTERED.includes(key)) {
      throw new RefusedEvidence(`The token must name ${key} by its integer key`)
    }
    if (typeof name === 'string') named.push([name, value])
  }
  return { format: 'cwt', values: Object.fromEntries(named) }
}

/**
 * Returns a claim in the form in which rules see it, the same for both encodings; undefined if the token lacks it.
 *
 * @throws RefusedEvidence if the claim has a value that it cannot have
 */
export function readClaim({ format, values }: EatClaims, name: string): ClaimValue | undefined {
  const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined
  if (read === undefined) return pickClaim(values, name, 'token')
  if (!Object.hasOwn(values, name)) return undefined
  const claim = read(values[name], format)
  if (claim === undefined) throw new RefusedEvidence(`The ${name} of the token must be as RFC 9711 defines it`)
  return claim
}

/** Returns bytes, which are base64url in JSON. */
function readBytes(value: unknown, format: EatFormat): Uint8Array | undefined {
  if (format === 'cwt') return value instanceof Uint8Array ? value : undefined
  return typeof value === 'string' ? decodeBase64url(value) : undefined
}

function readHex(value: unknown, format: EatFormat, least: number, most: number): string | undefined {
  const bytes = readBytes(value, format)
  return bytes !== undefined && bytes.length >= least && bytes.length <= most
    ? Buffer.from(bytes).toString('hex')
    : undefined
}

/** A private enterprise number stays a number, so that no other kind of id looks the same. */
function readOemId(value: unknown, format: EatFormat): ClaimValue | undefined {
  return readCount(value) ?? readHex(value, format, 3, 3) ?? readHex(value, format, 16, 16)
}

/** The text of a version. Its scheme says how versions are ordered, and is left out. */
function readVersion(value: unknown): string | undefined {
  const [version, scheme]: readonly unknown[] = Array.isArray(value) && value.length <= 2 ? value : [value]
  return scheme === undefined || typeof scheme === 'number' || typeof scheme === 'string'
    ? readText(version)
    : undefined
}

function readDebugState(value: unknown, format: EatFormat): string | undefined {
  if (format === 'cwt') return typeof value === 'number' ? DEBUG_STATES[value] : undefined
  return DEBUG_STATES.find((state) => state === value)
}

function readText(value: unknown): string | undefined {
  return isClaimText(value) ? value : undefined
}

function readCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
