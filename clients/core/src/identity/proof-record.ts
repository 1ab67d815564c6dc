/** The DNS label before a domain, in the name of the TXT record that is the domain's proof. */
export const RECORD_LABEL = '_auth4agents'
/** Value of the tag `v`, the version of the proof's format. */
export const RECORD_VERSION = 'a4a1'
const KNOWN_TAGS = new Set(['v', 'iss', 'op', 'rk'])

/** Content of a proof: the server's issuer, an operator's id and the root key's thumbprint (RFC 7638). */
export interface ProofSubject {
  readonly issuer: string
  readonly operatorId: string
  readonly thumbprint: string
}

/**
 * Returns the DNS name of the TXT record that proves a domain.
 *
 * @example
 * ```ts
 * import { recordName } from '@auth4agent/core/identity/proof-record'
 *
 * recordName('acme.example') // '_auth4agents.acme.example'
 * ```
 */
export function recordName(domain: string): string {
  return `${RECORD_LABEL}.${domain}`
}

/**
 * Returns the text of the TXT record that proves a domain.
 *
 * @example
 * ```ts
 * import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
 *
 * console.log(`${recordName(domain)} TXT "${recordValue({ issuer, operatorId, thumbprint })}"`)
 * ```
 */
export function recordValue({ issuer, operatorId, thumbprint }: ProofSubject): string {
  return `v=${RECORD_VERSION}; iss=${issuer}; op=${operatorId}; rk=${thumbprint}`
}

/** A proof as a TXT record claims it. A member is empty if its tag is missing. */
interface ProofRecord {
  readonly operatorId: string
  readonly thumbprint: string
}

/**
 * Reads a TXT record as a proof for `issuer`. The record has tags `name=value` between semicolons, `v=a4a1` first.
 * The function ignores white space around names and values, and unknown tags. It compares the issuer byte for byte.
 *
 * @returns the proof, or undefined if the record is for another issuer or repeats a known tag. A record without `op`
 *   or `rk` is returned: it proves nothing, but it conflicts with another record that does.
 * @example
 * ```ts
 * import { readRecord } from '@auth4agent/core/identity/proof-record'
 *
 * const proof = readRecord(text, 'https://auth.example')
 * const proves = proof?.operatorId === operatorId && proof.thumbprint === thumbprint
 * ```
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
