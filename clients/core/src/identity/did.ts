import { sha256Text } from '../encoding/sha256.ts'

/** The parts of `did:agent:<domain>:<fingerprint>`. */
export type AgentDid = { domain: string; fingerprint: string }

const PREFIX = 'did:agent:'
const FINGERPRINT_LENGTH = 32
/** Labels with dots between. The last does not begin with a digit: that would be none of DNS (RFC 3696 section 2) but of an IPv4 address. */
const DID = /^did:agent:((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?):([0-9a-f]{32})$/
/** Bounds the domain too, since everything around it has a fixed length: 253 characters (RFC 1035 section 2.3.4). */
const MAX_LENGTH = PREFIX.length + 253 + 1 + FINGERPRINT_LENGTH

/** Lower-case hex of the first 16 bytes of SHA-256(raw public key): 32 characters. */
export function fingerprint(rawKey: Uint8Array): string {
  return sha256Text(rawKey, 'hex').slice(0, FINGERPRINT_LENGTH)
}

/** Puts a DID together from a normalised domain and a fingerprint. */
export function formatDid(domain: string, keyFingerprint: string): string {
  return `${PREFIX}${domain}:${keyFingerprint}`
}

/**
 * Takes a DID apart. The domain is a lower-case A-label host name of at least two labels; whether it is a public suffix
 * is for others to say. One agent has one DID: percent-encoding, upper case and a trailing dot are refused.
 *
 * @returns the parts, or undefined for anything but exactly such a DID (so also for DID URLs).
 */
export function parseDid(text: string): AgentDid | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const [, domain, keyFingerprint] = DID.exec(text) ?? []
  return domain === undefined || keyFingerprint === undefined ? undefined : { domain, fingerprint: keyFingerprint }
}
