/** The label under which the proof of a domain stands. */
export const RECORD_LABEL = '_auth4agents'
/** Version tag of the proof's text. */
export const RECORD_VERSION = 'a4a1'
const KNOWN_TAGS = new Set(['v', 'iss', 'op', 'rk'])

/** What a proof binds together: this server, an operator id and the root key's RFC 7638 thumbprint. */
export interface ProofSubject {
  readonly issuer: string
  readonly operatorId: string
  readonly thumbprint: string
}

/** Owner name of the TXT record that proves a domain. */
export function recordName(domain: string): string {
  return `${RECORD_LABEL}.${domain}`
}

/** Text of the TXT record that proves a domain. */
export function recordValue({ issuer, operatorId, thumbprint }: ProofSubject): string {
  return `v=${RECORD_VERSION}; iss=${issuer}; op=${operatorId}; rk=${thumbprint}`
}

/** The proof that a TXT record claims; empty where the tag is missing. */
export interface ProofRecord {
  readonly operatorId: string
  readonly thumbprint: string
}

/**
 * Reads a TXT record as a proof made for `issuer`: tags `name=value` between semicolons, `v=a4a1` first, white space around
 * names and values and unknown tags ignored. The issuer is compared byte for byte.
 *
 * @returns undefined when it is none of this issuer, or says a known tag twice. A record that lacks `op` or `rk` still is
 *   one of this issuer: it proves nothing, and stands in the way of one that does.
 */
export function readRecord(text: string, issuer: string): ProofRecord | undefined {
  const tags = readTags(text)
  if (tags === undefined || tags.get('iss') !== issuer) return undefined
  return { operatorId: tags.get('op') ?? '', thumbprint: tags.get('rk') ?? '' }
}

function readTags(text: string): Map<string, string> | undefined {
  const tags = new Map<string, string>()
  for (const part of text.split(';')) {
    const at = part.indexOf('=')
    const name = part.slice(0, Math.max(at, 0)).trim()
    const value = part.slice(at + 1).trim()
    if (tags.size === 0 && (name !== 'v' || value !== RECORD_VERSION)) return undefined
    if (!KNOWN_TAGS.has(name)) continue
    if (tags.has(name)) return undefined
    tags.set(name, value)
  }
  return tags
}
