import { createHash, sign as cryptoSign, type KeyObject, randomUUID } from 'node:crypto'

/**
 * A signer of HTTP requests (RFC 9421), written by hand. It shares no code with the server and with its library, so it
 * does not repeat an error of them.
 */

/** A request that is to be signed. */
export interface RequestToSign {
  readonly method: string
  /** The URL with its query. */
  readonly url: string
  readonly body?: string | Uint8Array
  /** Further headers that the signature may cover. Names are in lower case. */
  readonly headers?: Readonly<Record<string, string>>
}

/** How a signature differs from a good one. */
export interface SignatureEdits {
  readonly label?: string
  /** The covered components, each with its quotes and parameters: `"@method"`. */
  readonly components?: readonly string[]
  /** Parameters that replace the good ones. A parameter that is undefined is left out. */
  readonly parameters?: Readonly<Record<string, string | number | undefined>>
  /** The header Content-Digest. */
  readonly contentDigest?: string
}

/** A key that signs requests. */
export interface RequestSigner {
  readonly privateKey: KeyObject
  readonly keyid: string
}

/** The headers of a signature. */
export interface SignatureHeaders {
  readonly 'content-digest': string
  readonly 'signature-input': string
  readonly signature: string
}

const COMPONENTS = ['"@method"', '"@target-uri"', '"content-digest"']

/** Returns the header Content-Digest of a body (RFC 9530). */
export function contentDigest(body: string | Uint8Array = '', algorithm: 'sha-256' | 'sha-512' = 'sha-256'): string {
  const hash = createHash(algorithm.replace('-', '')).update(body)
  return `${algorithm}=:${hash.digest('base64')}:`
}

/** Signs a request. Returns the headers of the signature. */
export function signRequest(
  { privateKey, keyid }: RequestSigner,
  request: RequestToSign,
  edits: SignatureEdits = {},
): SignatureHeaders {
  const { label = 'sig1', components = COMPONENTS } = edits
  const digest = edits.contentDigest ?? contentDigest(request.body)
  const params = `(${components.join(' ')})${parametersOf(keyid, edits)}`
  const lines = components.map((component) => `${component}: ${valueOf(component, request, digest)}`)
  const base = [...lines, `"@signature-params": ${params}`].join('\n')
  const isEc = privateKey.asymmetricKeyType === 'ec'
  const signature = isEc
    ? cryptoSign('sha256', Buffer.from(base), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    : cryptoSign(null, Buffer.from(base), privateKey)
  return {
    'content-digest': digest,
    'signature-input': `${label}=${params}`,
    signature: `${label}=:${signature.toString('base64')}:`,
  }
}

function parametersOf(keyid: string, edits: SignatureEdits): string {
  const good = { created: Math.floor(Date.now() / 1000), nonce: randomUUID(), keyid, tag: 'auth4agent' }
  return Object.entries({ ...good, ...edits.parameters })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `;${name}=${typeof value === 'string' ? quoted(value) : value}`)
    .join('')
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

function valueOf(component: string, { method, url, headers = {} }: RequestToSign, digest: string): string {
  const name = /^"([^"]*)"/.exec(component)?.[1] ?? ''
  const { host, pathname, search, protocol } = new URL(url)
  const derived: Readonly<Record<string, string>> = {
    '@method': method,
    '@target-uri': url,
    '@authority': host,
    '@path': pathname,
    '@query': search || '?',
    '@scheme': protocol.slice(0, -1),
    'content-digest': digest,
  }
  return derived[name] ?? headers[name] ?? ''
}
