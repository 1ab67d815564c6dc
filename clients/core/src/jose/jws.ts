import { decodeBase64url } from '../encoding/base64.ts'
import { type JsonFault, type JsonObject, parseStrictJson, parseStrictJsonText } from '../encoding/strict-json.ts'
import { decodeAscii, encodeUtf8 } from '../encoding/utf8.ts'

/** Names of Ed25519 signatures in JOSE: `EdDSA` (RFC 8037), and `Ed25519`, which also names the curve (RFC 9864). */
export const ED25519_ALGORITHMS: readonly string[] = ['EdDSA', 'Ed25519']

/** What one endpoint accepts. `maxBytes` limits the whole text. `algs` and `typs` are compared exactly. */
export type JwsRules = { maxBytes: number; algs: readonly string[]; typs: readonly string[] }

/** The header members in use (RFC 7515 section 4.1). The parser ignores other members, but refuses dangerous ones. */
type JwsHeader = { alg: string; typ: string; kid: string }

/** A well-formed JWS with an unverified signature. Do not trust `payload`. */
export type ParsedJws = {
  ok: true
  header: JwsHeader
  payload: JsonObject
  /** The signed bytes. */
  signingInput: Uint8Array
  signature: Uint8Array
}

/**
 * Why a text is not an acceptable JWS, and which part is wrong.
 *
 * - `size`: the text is longer than allowed.
 * - `shape`: the text does not have three non-empty parts.
 * - `encoding`: a part is not canonical base64url.
 * - `critical`: the header has `crit` or `b64`.
 * - `foreign-key`: a header member contains a key or the address of one.
 * - `alg`, `typ`, `kid`: the header member is missing, not a string or not accepted.
 */
export type JwsRefusal = {
  ok: false
  part: 'text' | 'header' | 'payload' | 'signature'
  why: 'size' | 'shape' | 'encoding' | 'critical' | 'foreign-key' | 'alg' | 'typ' | 'kid' | JsonFault
}

const CRITICAL = ['crit', 'b64']
const FOREIGN_KEY = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256']
/** A `kid` must be visible ASCII, so that it is safe in look-ups and logs. */
const KID = /^[\x21-\x7e]{1,128}$/

/**
 * Parses a JWS in compact serialisation (RFC 7515 section 7.1). It accepts only canonical base64url and strict JSON
 * objects, so one signature has exactly one accepted text. It refuses header members that could choose the key or
 * change the meaning. `typ` must be without `application/`, as RFC 7515 section 4.1.9 recommends. It does not verify
 * the signature.
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
  if (text.length > rules.maxBytes) return refuse('text', 'size')
  const parts = text.split('.', 4)
  const [headerText, payloadText, signatureText] = parts
  if (parts.length !== 3 || !headerText || !payloadText || !signatureText) return refuse('text', 'shape')

  const header = readHeader(headerText, rules)
  if ('ok' in header) return header
  const payload = parsePart('payload', payloadText)
  if (!payload.ok) return payload
  const signature = decodeBase64url(signatureText)
  if (signature === undefined) return refuse('signature', 'encoding')

  const signingInput = encodeUtf8(text.slice(0, headerText.length + 1 + payloadText.length))
  return { ok: true, header, payload: payload.value, signingInput, signature }
}

/** Accepted headers by their encoded texts. All tokens of one key have the same header. */
const headers = new Map<string, JwsHeader>()
const MAX_HEADERS = 128
/** Longer headers are not cached. */
const MAX_HEADER_TEXT = 512

function readHeader(text: string, rules: JwsRules): JwsHeader | JwsRefusal {
  const known = headers.get(text)
  if (known !== undefined) return checkNames(known, rules) ?? known
  const json = parsePart('header', text)
  if (!json.ok) return json
  const header = checkHeader(json.value, rules)
  if ('ok' in header || text.length > MAX_HEADER_TEXT) return header
  headers.set(text, header)
  if (headers.size > MAX_HEADERS) headers.delete(headers.keys().next().value ?? text)
  return header
}

function checkHeader(header: JsonObject, rules: JwsRules): JwsHeader | JwsRefusal {
  const kid = textOf(header['kid'])
  const names = { alg: textOf(header['alg']), typ: textOf(header['typ']) }
  if (CRITICAL.some((name) => Object.hasOwn(header, name))) return refuse('header', 'critical')
  if (FOREIGN_KEY.some((name) => Object.hasOwn(header, name))) return refuse('header', 'foreign-key')
  const refusal = checkNames(names, rules)
  if (refusal !== undefined) return refusal
  return KID.test(kid) ? { ...names, kid } : refuse('header', 'kid')
}

/** Returns an empty text, which no endpoint accepts, for a value that is not a string. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function checkNames({ alg, typ }: Omit<JwsHeader, 'kid'>, { algs, typs }: JwsRules): JwsRefusal | undefined {
  if (!algs.includes(alg)) return refuse('header', 'alg')
  return typs.includes(typ) ? undefined : refuse('header', 'typ')
}

function parsePart(part: 'header' | 'payload', encoded: string): { ok: true; value: JsonObject } | JwsRefusal {
  const bytes = decodeBase64url(encoded)
  if (bytes === undefined) return refuse(part, 'encoding')
  const text = decodeAscii(bytes)
  const json = text === undefined ? parseStrictJson(bytes) : parseStrictJsonText(text)
  return json.ok ? json : refuse(part, json.why)
}

function refuse(part: JwsRefusal['part'], why: JwsRefusal['why']): JwsRefusal {
  return { ok: false, part, why }
}
