import { hash } from 'node:crypto'

/** The parts of `did:agent:<domain>:<fingerprint>`. */
export type AgentDid = { domain: string; fingerprint: string }

const PREFIX = 'did:agent:'
const FINGERPRINT = /^[0-9a-f]{32}$/
const FINGERPRINT_LENGTH = 32
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** Bounds the domain too, since everything around it has a fixed length: 253 characters (RFC 1035 section 2.3.4). */
const MAX_LENGTH = PREFIX.length + 253 + 1 + FINGERPRINT_LENGTH

/** Lower-case hex of the first 16 bytes of SHA-256(raw public key): 32 characters. */
export function fingerprint(rawKey: Uint8Array): string {
  return hash('sha256', rawKey, 'hex').slice(0, FINGERPRINT_LENGTH)
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
  if (text.length > MAX_LENGTH || !text.startsWith(PREFIX)) return undefined
  const [domain, keyFingerprint, ...rest] = text.slice(PREFIX.length).split(':')
  if (domain === undefined || keyFingerprint === undefined || rest.length > 0) return undefined
  if (!isHostName(domain) || !FINGERPRINT.test(keyFingerprint)) return undefined
  return { domain, fingerprint: keyFingerprint }
}

function isHostName(text: string): boolean {
  const labels = text.split('.')
  // A last label that begins with a digit is none of DNS (RFC 3696 section 2) but the end of an IPv4 address.
  return labels.length >= 2 && labels.every((label) => LABEL.test(label)) && !/^\d/.test(labels.at(-1) ?? '')
}
