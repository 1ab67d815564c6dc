import { decodeBase64url } from '../encoding/base64.ts'
import { isJsonObject, type JsonFault, type JsonObject, parseStrictJsonText } from '../encoding/strict-json.ts'
import { decodeAscii, decodeUtf8, encodeUtf8 } from '../encoding/utf8.ts'
import { keepNewest } from '../platform/keep-newest.ts'

/** Names of Ed25519 signatures in JOSE: `EdDSA` (RFC 8037), and `Ed25519`, which also names the curve (RFC 9864). */
export const ED25519_ALGORITHMS: readonly string[] = ['EdDSA', 'Ed25519']

/**
 * What one endpoint accepts. `algs` and `typs` are compared exactly.
 *
 * @example
 * ```ts
 * import type { JwsRules } from '@auth4agent/core/jose/jws'
 *
 * const rules: JwsRules = { maxBytes: 4_096, algs: ['ES256'], typs: ['dpop+jwt'], kid: 'optional', jwk: 'required' }
 * ```
 */
export type JwsRules = {
  /** Limits the whole text. */
  readonly maxBytes: number
  readonly algs: readonly string[]
  /** An empty text in this list accepts a header without `typ`. */
  readonly typs: readonly string[]
  /** By default, the header must have a `kid`. */
  readonly kid?: 'optional'
  /** By default, the header must not have a `jwk`. */
  readonly jwk?: 'required'
  /**
   * By default, the header must not have `x5t` or `x5t#S256`. These are digests, so a caller that chooses the key by
   * `kid` alone can ignore them: some issuers always write them.
   */
  readonly x5t?: 'ignored'
}

/** The header members in use (RFC 7515 section 4.1). The parser ignores other members, but refuses dangerous ones. */
type JwsHeader = {
  readonly alg: string
  /** Empty if the header has no `typ`. */
  readonly typ: string
  /** Empty if the header has no `kid`. */
  readonly kid: string
  /** Unchecked; present if the rules require it. */
  readonly jwk?: JsonObject
}

/** A well-formed JWS with an unverified signature. Do not trust `payload`. */
export type ParsedJws = {
  ok: true
  header: JwsHeader
  payload: JsonObject
  /** The signed bytes. */
  signingInput: Uint8Array
  signature: Uint8Array
}

/** A JWS whose payload is not read yet, so that its signature can be verified first. */
export type UnreadJws = Omit<ParsedJws, 'payload'> & {
  /** In base64url. */
  encodedPayload: string
}

/** The payload of a JWS: the JSON text as it is written, and its value. */
type JwsPayload = { ok: true; text: string; value: JsonObject }

/**
 * Why a text is not an acceptable JWS, and which part is wrong.
 *
 * - `size`: the text is longer than allowed.
 * - `shape`: the text does not have three non-empty parts.
 * - `encoding`: a part is not canonical base64url.
 * - `critical`: the header has `crit` or `b64`.
 * - `foreign-key`: a header member contains a key or the address of one, or a required `jwk` is not an object.
 * - `alg`, `typ`, `kid`: the header member is missing, not a string or not accepted.
 */
export type JwsRefusal = {
  ok: false
  part: 'text' | 'header' | 'payload' | 'signature'
  why: 'size' | 'shape' | 'encoding' | 'critical' | 'foreign-key' | 'alg' | 'typ' | 'kid' | JsonFault
}

const CRITICAL = ['crit', 'b64']
const FOREIGN_KEY = ['jku', 'x5u', 'x5c', 'trust_chain']
const CERTIFICATE_DIGEST = ['x5t', 'x5t#S256']
/** A `kid` must be visible ASCII, so that it is safe in look-ups and logs. */
const KID = /^[\x21-\x7e]{1,128}$/

/**
 * Parses a JWS in compact serialisation (RFC 7515 section 7.1). It accepts only canonical base64url and strict JSON
 * objects, so one signature has exactly one accepted text. It refuses header members that could choose the key or
 * change the meaning, except a `jwk` that the rules require. `typ` must be without `application/`, as RFC 7515
 * section 4.1.9 recommends. It does not verify the signature.
 *
 * @example
 * ```ts
 * import { parseCompactJws } from '@auth4agent/core/jose/jws'
 *
 * const jws = parseCompactJws(text, { maxBytes: 4_096, algs: ['EdDSA'], typs: ['at+jwt'] })
 * if (!jws.ok) throw new TypeError(`The ${jws.part} is refused: ${jws.why}`)
 * ```
 */
export function parseCompactJws(text: string, rules: JwsRules): ParsedJws | JwsRefusal {
  const jws = splitCompactJws(text, rules)
  if (!jws.ok) return jws
  const payload = readJwsPayload(jws.encodedPayload)
  if (!payload.ok) return payload
  const { header, signingInput, signature } = jws
  return { ok: true, header, payload: payload.value, signingInput, signature }
}

/**
 * Does what {@link parseCompactJws} does, except for the payload. Verify the signature, then call
 * {@link readJwsPayload}: so a caller without the right key never reaches the JSON parser.
 *
 * @example
 * ```ts
 * import { readJwsPayload, splitCompactJws } from '@auth4agent/core/jose/jws'
 *
 * const jws = splitCompactJws(text, rules)
 * const isSigned = jws.ok && key.verify(jws.signingInput, jws.signature)
 * const payload = isSigned ? readJwsPayload(jws.encodedPayload) : undefined
 * ```
 */
export function splitCompactJws(text: string, rules: JwsRules): UnreadJws | JwsRefusal {
  if (text.length > rules.maxBytes) return refuse('text', 'size')
  const parts = text.split('.', 4)
  const [headerText, encodedPayload, signatureText] = parts
  if (parts.length !== 3 || !headerText || !encodedPayload || !signatureText) return refuse('text', 'shape')

  const header = readHeader(headerText, rules)
  if ('ok' in header) return header
  const signature = decodeBase64url(signatureText)
  if (signature === undefined) return refuse('signature', 'encoding')

  const signingInput = encodeUtf8(text.slice(0, headerText.length + 1 + encodedPayload.length))
  return { ok: true, header, encodedPayload, signingInput, signature }
}

/**
 * Reads the payload of a JWS: canonical base64url of a strict JSON object.
 *
 * @example
 * ```ts
 * import { readJwsPayload } from '@auth4agent/core/jose/jws'
 *
 * const payload = readJwsPayload('eyJhIjoxfQ') // { ok: true, text: '{"a":1}', value: { a: 1 } }
 * ```
 */
export function readJwsPayload(encoded: string): JwsPayload | JwsRefusal {
  return parsePart('payload', encoded)
}

/** Accepted headers by their encoded texts. All tokens of one key have the same header. */
const headers = new Map<string, JwsHeader>()
const MAX_HEADERS = 128
/** Longer headers are not cached. */
const MAX_HEADER_TEXT = 512

function readHeader(text: string, rules: JwsRules): JwsHeader | JwsRefusal {
  // The sender chooses the key in a jwk, so such headers could push the headers of the server's keys out of the cache.
  // A header with x5t must not be found there by a caller that refuses x5t.
  if (rules.jwk === 'required' || rules.x5t === 'ignored') return parseHeader(text, rules)
  const known = headers.get(text)
  if (known !== undefined) return checkNames(known, rules) ?? known
  const header = parseHeader(text, rules)
  if ('ok' in header || text.length > MAX_HEADER_TEXT) return header
  keepNewest(headers, text, header, MAX_HEADERS)
  return header
}

function parseHeader(text: string, rules: JwsRules): JwsHeader | JwsRefusal {
  const json = parsePart('header', text)
  return json.ok ? checkHeader(json.value, rules) : json
}

function checkHeader(header: JsonObject, rules: JwsRules): JwsHeader | JwsRefusal {
  if (CRITICAL.some((name) => Object.hasOwn(header, name))) return refuse('header', 'critical')
  const { jwk } = header
  const isKeyRight = rules.jwk === 'required' ? isJsonObject(jwk) : !Object.hasOwn(header, 'jwk')
  const forbidden = rules.x5t === 'ignored' ? FOREIGN_KEY : [...FOREIGN_KEY, ...CERTIFICATE_DIGEST]
  if (!isKeyRight || forbidden.some((name) => Object.hasOwn(header, name))) return refuse('header', 'foreign-key')
  const [alg, typ, kid] = [nameOf(header, 'alg'), nameOf(header, 'typ'), nameOf(header, 'kid')]
  if (!alg) return refuse('header', 'alg')
  if (typ === undefined) return refuse('header', 'typ')
  const refusal = checkNames({ alg, typ, kid: kid ?? '' }, rules)
  if (refusal !== undefined) return refusal
  if (kid === undefined || (kid !== '' && !KID.test(kid))) return refuse('header', 'kid')
  return isJsonObject(jwk) ? { alg, typ, kid, jwk } : { alg, typ, kid }
}

/** Returns an empty text for a member that is absent, and undefined for one that is empty or not a string. */
function nameOf(header: JsonObject, name: string): string | undefined {
  if (!Object.hasOwn(header, name)) return ''
  const value = header[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function checkNames({ alg, typ, kid }: JwsHeader, rules: JwsRules): JwsRefusal | undefined {
  if (!rules.algs.includes(alg)) return refuse('header', 'alg')
  if (!rules.typs.includes(typ)) return refuse('header', 'typ')
  return kid === '' && rules.kid !== 'optional' ? refuse('header', 'kid') : undefined
}

function parsePart(part: 'header' | 'payload', encoded: string): JwsPayload | JwsRefusal {
  const bytes = decodeBase64url(encoded)
  if (bytes === undefined) return refuse(part, 'encoding')
  const text = decodeAscii(bytes) ?? decodeUtf8(bytes)
  if (text === undefined) return refuse(part, 'utf8')
  const json = parseStrictJsonText(text)
  return json.ok ? { ok: true, text, value: json.value } : refuse(part, json.why)
}

function refuse(part: JwsRefusal['part'], why: JwsRefusal['why']): JwsRefusal {
  return { ok: false, part, why }
}
