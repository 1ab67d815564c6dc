import { decodeBase64, encodeBase64url } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'

/**
 * What an HTTP message signature for a server of Auth4Agent says (RFC 9421).
 *
 * @example
 * ```ts
 * import type { SignedMessage } from '@auth4agent/core/identity/signed-message'
 *
 * const callOf = ({ method, targetUri }: SignedMessage) => `${method} ${targetUri}`
 * ```
 */
export interface SignedMessage {
  /** The signed bytes. */
  readonly base: Uint8Array
  readonly signature: Uint8Array
  readonly method: string
  /** The URL with its query. */
  readonly targetUri: string
  /** SHA-256 of the body, base64url. */
  readonly bodyDigest: string
  readonly keyid: string
  readonly nonce: string
  /** Unix seconds. */
  readonly created: number
}

/** A line of a signature base: a component without parameters, and its value. */
const LINE = /^"([^"]+)": (.*)$/
const PARAMS = '"@signature-params": '
const SIGNATURE = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]+):$/
const DIGEST = /(?:^|,\s*)sha-256=:([A-Za-z0-9+/=]+):/g
/** A parameter of a signature: its name, then a text, a value of another kind, or nothing (RFC 8941 section 3.1.2). */
const PARAMETER = /;([a-z*][a-z0-9_.*-]*)(?:="((?:[^"\\]|\\.)*)"|=([^";]*))?/y
const ESCAPE = /\\(.)/g
const TAG = 'auth4agent'

/**
 * Returns whether the texts of a request begin with a signature base, and not with an assertion.
 *
 * @example
 * ```ts
 * import { isSignedMessage } from '@auth4agent/core/identity/signed-message'
 *
 * isSignedMessage(['eyJhbGciOiJFZERTQSJ9.e30.AA']) // false
 * ```
 */
export function isSignedMessage([first = '']: readonly string[]): boolean {
  return first.startsWith('"')
}

/**
 * Reads a message signature from the texts that the audit of the server keeps: signature base, Signature-Input and
 * Signature. It does not verify the signature.
 *
 * @returns undefined if the texts do not belong together, or if the signature does not cover `@method`, `@target-uri`
 *   and `content-digest`, or is not for a server of Auth4Agent.
 * @example
 * ```ts
 * import { readSignedMessage } from '@auth4agent/core/identity/signed-message'
 *
 * const message = readSignedMessage([base, signatureInput, signature])
 * ```
 */
export function readSignedMessage([base = '', input = '', signed = '']: readonly string[]): SignedMessage | undefined {
  const lines = base.split('\n')
  const params = lines.pop() ?? ''
  const [, label = '', encoded = ''] = SIGNATURE.exec(signed) ?? []
  const signature = decodeBase64(encoded)
  if (!params.startsWith(PARAMS) || input !== `${label}=${params.slice(PARAMS.length)}`) return undefined
  const covered = new Map(lines.map((line) => LINE.exec(line)).map((match) => [match?.[1], match?.[2]]))
  const [method, targetUri] = [covered.get('@method'), covered.get('@target-uri')]
  const bodyDigest = digestIn(covered.get('content-digest'))
  const { keyid, nonce, created, tag } = parametersIn(params)
  if (method === undefined || targetUri === undefined || bodyDigest === undefined || tag !== TAG) return undefined
  if (keyid === undefined || nonce === undefined || created === undefined || signature === undefined) return undefined
  if (!/^\d+$/.test(created)) return undefined
  return { base: encodeUtf8(base), signature, method, targetUri, bodyDigest, keyid, nonce, created: Number(created) }
}

/** Reads the SHA-256 in the header Content-Digest. Returns undefined unless there is exactly one. */
function digestIn(header = ''): string | undefined {
  const [first, second] = [...header.matchAll(DIGEST)]
  const bytes = second === undefined ? decodeBase64(first?.[1] ?? '') : undefined
  return bytes?.length === 32 ? encodeBase64url(bytes) : undefined
}

/** Reads the parameters after the list of components. Text in a component cannot be taken for a parameter. */
function parametersIn(params: string): Readonly<Partial<Record<'keyid' | 'nonce' | 'created' | 'tag', string>>> {
  const found: Record<string, string> = {}
  PARAMETER.lastIndex = endOfList(params)
  for (let match = PARAMETER.exec(params); match !== null; match = PARAMETER.exec(params)) {
    const [, name = '', text, other = ''] = match
    found[name] = text?.replaceAll(ESCAPE, '$1') ?? other
  }
  return found
}

/** Returns the position after the list of components. A component is a text in quotes. */
function endOfList(params: string): number {
  const list = /\((?:"[^"]*"|[^")])*\)/g
  list.lastIndex = PARAMS.length
  return list.test(params) ? list.lastIndex : params.length
}
