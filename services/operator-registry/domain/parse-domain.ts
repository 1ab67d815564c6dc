import { domainToASCII, domainToUnicode } from 'node:url'
import { RECORD_LABEL } from '@auth4agent/core/identity/proof-record'
import { parse } from 'tldts'
import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_TEXT = 1024
/** A name in DNS may have 253 characters (RFC 1035 section 3.1). The name of the proof adds a label and a dot. */
const MAX_LENGTH = 253 - RECORD_LABEL.length - 1
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/

/**
 * Reserved top-level names, which have no owners (RFC 6761, RFC 6762, RFC 7686, RFC 9476). This list is needed because
 * the public suffix list contains some of them.
 */
const SPECIAL_USE = new Set(['alt', 'arpa', 'example', 'internal', 'invalid', 'local', 'localhost', 'onion'])

const IP_ADDRESS = 'The domain must be a host name, not an IP address'

/** Patterns that no host name matches, each with its error detail. The first pattern that matches gives the error. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*\]?$/, IP_ADDRESS],
  [/[/\\?#]/, 'The domain must have no scheme, path, query or fragment'],
  [/@/, 'The domain must have no user information'],
  [/:/, 'The domain must have no port'],
  [/\*/, 'The domain must not be a wildcard'],
  [/_/, 'The domain must have no underscore'],
  [/[^a-z0-9.\-\u0080-\u{10ffff}]/u, 'The domain must contain only letters, digits, hyphens and dots'],
]

interface DomainRules {
  /** Whether names under the reserved `.test` (RFC 6761 section 6.2) are allowed. */
  readonly testDomains: boolean
}

/**
 * Parses a domain that an operator can own. Returns the domain trimmed, lower-cased, in A-labels (UTS 46), without a
 * trailing dot. The domain must be below a suffix of the public suffix list, private section included.
 *
 * @throws ApiError INVALID_DOMAIN with a detail that says why.
 */
export function parseDomain(text: string, { testDomains }: DomainRules): string {
  if (text.length > MAX_TEXT) throw refusal(`The domain must have at most ${MAX_TEXT} characters`)
  const domain = toAscii(text.trim().toLowerCase())
  const labels = domain.split('.')
  checkLabels(domain, labels)
  checkSuffix(domain, labels.at(-1) ?? '', testDomains)
  return domain
}

/**
 * Returns whether a host in ASCII has a malformed A-label. domainToASCII and URL parsers accept one. domainToUnicode
 * reveals it, because it leaves such a label as it is.
 */
export function hasMalformedLabel(host: string): boolean {
  return /(^|\.)xn--/.test(domainToUnicode(host))
}

/** Returns whether a domain is under `.test`. A server that allows test domains confirms them without DNS. */
export function isTestDomain(domain: string): boolean {
  return domain.endsWith('.test')
}

function toAscii(text: string): string {
  if (text === '') throw refusal('The domain must not be empty')
  // domainToASCII silently removes paths and tabs and decodes percent signs, so such text must be refused before.
  for (const [pattern, detail] of FOREIGN) if (pattern.test(text)) throw refusal(detail)
  const ascii = domainToASCII(text).replace(/\.$/, '')
  if (ascii === '') throw refusal('The domain must be a host name')
  if (hasMalformedLabel(ascii)) throw refusal('The domain must not have a malformed A-label')
  return ascii
}

function checkLabels(domain: string, labels: readonly string[]): void {
  if (IPV4.test(domain)) throw refusal(IP_ADDRESS)
  if (labels.includes('')) throw refusal('The domain must not have an empty label')
  if (!labels.every((label) => LABEL.test(label))) {
    throw refusal('Each label of the domain must have 1 to 63 letters, digits or hyphens, with no hyphen at its ends')
  }
  if (domain.length > MAX_LENGTH) throw refusal(`The domain must have at most ${MAX_LENGTH} characters in A-labels`)
}

function checkSuffix(domain: string, tld: string, testDomains: boolean): void {
  if (SPECIAL_USE.has(tld)) throw refusal(`The domain must not end in .${tld}, which is reserved`)
  if (domain === tld) throw refusal('The domain must have at least two labels')
  if (tld === 'test') {
    if (!testDomains) throw refusal('The domain must not end in .test, which only a local test server accepts')
    return
  }
  const suffix = parse(domain, { allowPrivateDomains: true })
  if (suffix.isIcann !== true && suffix.isPrivate !== true) {
    throw refusal(`The domain must end in a public top-level domain, which .${tld} is not`)
  }
  if (suffix.domain === null) throw refusal('The domain must be below a public suffix, not a public suffix itself')
}

function refusal(detail: string): ApiError {
  return new ApiError('INVALID_DOMAIN', detail)
}
