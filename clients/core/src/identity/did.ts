import { sha256Text } from '../encoding/sha256.ts'

/** The parts of `did:agent:<domain>:<fingerprint>`. */
type AgentDid = { domain: string; fingerprint: string }

const PREFIX = 'did:agent:'
const FINGERPRINT_LENGTH = 32
/** The last label must not begin with a digit: it would belong to an IPv4 address, not to DNS (RFC 3696 section 2). */
const DID = /^did:agent:((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?):([0-9a-f]{32})$/
/** Also limits the domain to 253 characters (RFC 1035 section 2.3.4), because all other parts have a fixed length. */
const MAX_LENGTH = PREFIX.length + 253 + 1 + FINGERPRINT_LENGTH

/**
 * Returns the fingerprint of a raw public key: the first 16 bytes of its SHA-256, as 32 lower-case hex digits.
 *
 * @example
 * ```ts
 * import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
 *
 * const did = formatDid('acme.example', fingerprint(publicKey))
 * ```
 */
export function fingerprint(rawKey: Uint8Array): string {
  return sha256Text(rawKey, 'hex').slice(0, FINGERPRINT_LENGTH)
}

/**
 * Builds a DID from a normalised domain and a fingerprint. It checks neither.
 *
 * @example
 * ```ts
 * import { formatDid } from '@auth4agent/core/identity/did'
 *
 * formatDid('acme.example', '0123456789abcdef0123456789abcdef')
 * // 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
 * ```
 */
export function formatDid(domain: string, keyFingerprint: string): string {
  return `${PREFIX}${domain}:${keyFingerprint}`
}

/**
 * Splits a DID into its parts. The domain is a host name in lower-case A-labels, with at least two labels.
 * It refuses percent-encoding, upper case and a trailing dot, because one agent has exactly one DID.
 * It does not check whether the domain is a public suffix.
 *
 * @returns the parts, or undefined for any other text, such as a DID URL.
 * @example
 * ```ts
 * import { parseDid } from '@auth4agent/core/identity/did'
 *
 * parseDid('did:agent:acme.example:0123456789abcdef0123456789abcdef')?.domain // 'acme.example'
 * parseDid('did:web:acme.example') // undefined
 * ```
 */
export function parseDid(text: string): AgentDid | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const [, domain, keyFingerprint] = DID.exec(text) ?? []
  return domain === undefined || keyFingerprint === undefined ? undefined : { domain, fingerprint: keyFingerprint }
}
