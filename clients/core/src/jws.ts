import { decodeBase64url } from './base64.ts'
import { type JsonFault, type JsonObject, parseStrictJson } from './strict-json.ts'

/** The names of Ed25519 signatures in JOSE: `EdDSA` (RFC 8037) and `Ed25519`, which says the curve too (RFC 9864). */
export const ED25519_ALGORITHMS: readonly string[] = ['EdDSA', 'Ed25519']

/** What one endpoint accepts. `maxBytes` bounds the whole text; `algs` and `typs` are compared exactly. */
export type JwsRules = { maxBytes: number; algs: readonly string[]; typs: readonly string[] }

/** The header members that mean something here (RFC 7515 section 4.1). Others are ignored, dangerous ones refused. */
type JwsHeader = { alg: string; typ: string; kid: string }

/** A well-formed JWS whose signature nobody has verified yet: `payload` is not to be trusted. */
export type ParsedJws = {
  ok: true
  header: JwsHeader
  payload: JsonObject
  /** The bytes that the signature is over. */
  signingInput: Uint8Array
  signature: Uint8Array
}

/**
 * Why a text is not an acceptable JWS, and where. `size`: longer than allowed. `shape`: not three non-empty parts.
 * `encoding`: not the one canonical base64url form. `critical`: `crit` or `b64`. `foreign-key`: a member that brings or
 * points to a key. `alg`, `typ`, `kid`: missing, not a string or not accepted.
 */
export type JwsRefusal = {
  ok: false
  part: 'text' | 'header' | 'payload' | 'signature'
  why: 'size' | 'shape' | 'encoding' | 'critical' | 'foreign-key' | 'alg' | 'typ' | 'kid' | JsonFault
}

const CRITICAL = ['crit', 'b64']
const FOREIGN_KEY = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256']
/** Visible ASCII, so that a key id is safe to look up and to log. */
const KID = /^[\x21-\x7e]{1,128}$/

/**
 * Parses a JWS in compact serialisation (RFC 7515 section 7.1) so that one signature has exactly one accepted text: canonical
 * base64url, strict JSON objects, nothing in the header that could choose the key or change the meaning.
 * `typ` is taken without `application/`, which RFC 7515 section 4.1.9 recommends to leave out.
 */
export function parseCompactJws(text: string, rules: JwsRules): ParsedJws | JwsRefusal {
  if (text.length > rules.maxBytes) return refuse('text', 'size')
  const parts = text.split('.', 4)
  const [headerText, payloadText, signatureText] = parts
  if (parts.length !== 3 || !headerText || !payloadText || !signatureText) return refuse('text', 'shape')

  const headerJson = parsePart('header', headerText)
  if (!headerJson.ok) return headerJson
  const header = checkHeader(headerJson.value, rules)
  if ('ok' in header) return header
  const payload = parsePart('payload', payloadText)
  if (!payload.ok) return payload
  const signature = decodeBase64url(signatureText)
  if (signature === undefined) return refuse('signature', 'encoding')

  const signingInput = Buffer.from(text.slice(0, headerText.length + 1 + payloadText.length), 'latin1')
  return { ok: true, header, payload: payload.value, signingInput, signature }
}

function checkHeader(header: JsonObject, { algs, typs }: JwsRules): JwsHeader | JwsRefusal {
  const { alg, typ, kid } = header
  if (CRITICAL.some((name) => Object.hasOwn(header, name))) return refuse('header', 'critical')
  if (FOREIGN_KEY.some((name) => Object.hasOwn(header, name))) return refuse('header', 'foreign-key')
  if (typeof alg !== 'string' || !algs.includes(alg)) return refuse('header', 'alg')
  if (typeof typ !== 'string' || !typs.includes(typ)) return refuse('header', 'typ')
  if (typeof kid !== 'string' || !KID.test(kid)) return refuse('header', 'kid')
  return { alg, typ, kid }
}

function parsePart(part: 'header' | 'payload', text: string): { ok: true; value: JsonObject } | JwsRefusal {
  const bytes = decodeBase64url(text)
  if (bytes === undefined) return refuse(part, 'encoding')
  const json = parseStrictJson(bytes)
  return json.ok ? json : refuse(part, json.why)
}

function refuse(part: JwsRefusal['part'], why: JwsRefusal['why']): JwsRefusal {
  return { ok: false, part, why }
}
