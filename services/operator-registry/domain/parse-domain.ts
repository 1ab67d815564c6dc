import { domainToASCII, domainToUnicode } from 'node:url'
import { RECORD_LABEL } from '@auth4agent/core/identity/proof-record'
import { parse } from 'tldts'
import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_TEXT = 1024
/** RFC 1035 section 3.1 allows a name 253 characters in text; the proof's own label and its dot stand before the domain. */
const MAX_LENGTH = 253 - RECORD_LABEL.length - 1
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/

/** Names that are nobody's in the public DNS (RFC 6761, RFC 6762, RFC 7686, RFC 9476), some of which the list of suffixes has. */
const SPECIAL_USE = new Set(['alt', 'arpa', 'example', 'internal', 'invalid', 'local', 'localhost', 'onion'])

/** What is told of an ASCII character that no host name has. The first that matches is told. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*\]?$/, 'an IP address cannot be proven'],
  [/[/\\?#]/, 'a domain has no scheme and no path'],
  [/@/, 'a domain has no user information'],
  [/:/, 'a domain has no port'],
  [/\*/, 'a wildcard cannot be proven'],
  [/_/, 'a host name has no underscore'],
  [/[^a-z0-9.\-\u0080-\u{10ffff}]/u, 'a host name has letters, digits, hyphens and dots only'],
]

interface DomainRules {
  /** Whether names under the reserved `.test` (RFC 6761 section 6.2) are allowed. */
  readonly testDomains: boolean
}

/**
 * Reads a domain that an operator can own: trimmed, lower-cased, in A-labels (UTS 46), without a trailing dot, below a suffix of
 * the public suffix list, private section included.
 *
 * @throws ApiError INVALID_DOMAIN with a detail that says why.
 */
export function parseDomain(text: string, { testDomains }: DomainRules): string {
  if (text.length > MAX_TEXT) throw refusal('it is too long')
  const domain = toAscii(text.trim().toLowerCase())
  const labels = domain.split('.')
  checkLabels(domain, labels)
  checkSuffix(domain, labels.at(-1) ?? '', testDomains)
  return domain
}

/** Whether a domain is one of those that are confirmed without DNS where test domains are allowed. */
export function isTestDomain(domain: string): boolean {
  return domain.endsWith('.test')
}

function toAscii(text: string): string {
  if (text === '') throw refusal('it is empty')
  // The conversion cuts paths off, decodes percent signs and drops tabs: none of those may reach it.
  for (const [pattern, detail] of FOREIGN) if (pattern.test(text)) throw refusal(detail)
  const ascii = domainToASCII(text).replace(/\.$/, '')
  if (ascii === '') throw refusal('it is not a host name')
  // The conversion lets an A-label through that stands for nothing; only converting back tells, for it stays what it is.
  if (/(^|\.)xn--/.test(domainToUnicode(ascii))) throw refusal('an A-label in it is malformed')
  return ascii
}

function checkLabels(domain: string, labels: readonly string[]): void {
  if (IPV4.test(domain)) throw refusal('an IP address cannot be proven')
  if (labels.includes('')) throw refusal('a label is empty')
  if (!labels.every((label) => LABEL.test(label))) {
    throw refusal('a label has 1 to 63 letters, digits and hyphens, and no hyphen at its ends')
  }
  if (domain.length > MAX_LENGTH) throw refusal(`it has more than ${MAX_LENGTH} characters in A-labels`)
}

function checkSuffix(domain: string, tld: string, testDomains: boolean): void {
  if (SPECIAL_USE.has(tld)) throw refusal(`.${tld} is reserved and in nobody's possession`)
  if (domain === tld) throw refusal('a single label cannot be proven')
  if (tld === 'test') {
    if (!testDomains) throw refusal('.test is only for trying things out on a local server')
    return
  }
  const suffix = parse(domain, { allowPrivateDomains: true })
  if (suffix.isIcann !== true && suffix.isPrivate !== true) throw refusal(`.${tld} is not a public top-level domain`)
  if (suffix.domain === null) throw refusal('it is a public suffix, under which others have their domains')
}

function refusal(detail: string): ApiError {
  return new ApiError('INVALID_DOMAIN', `the domain cannot be used: ${detail}`)
}
