import { isIP } from 'node:net'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { OutboundError } from './outbound-error.ts'

/** Length limit of a URL, in characters. */
const MAX_URL = 2048
/** Labels of letters, digits and hyphens (RFC 1123 section 2.1). No CA certifies another host. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

/**
 * Parses the URL of a request. Throws OutboundError with URL_REFUSED for a URL that is not https, or whose host is not
 * a name. With test domains, local names may be http too.
 */
export function parseTarget(text: string, testDomains: boolean): URL {
  const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined)
    throw new OutboundError('URL_REFUSED', `The URL must be absolute and have at most ${MAX_URL} characters`)
  const { protocol, hostname, port, username, password } = url
  const isPlain = protocol === 'http:' && testDomains && isLocalName(hostname)
  const rules: readonly (readonly [isBroken: boolean, sentence: string])[] = [
    [protocol !== 'https:' && !isPlain, 'The URL must be https'],
    [isAddress(hostname), 'The URL must name its host, not give an address'],
    // It would be another host for connections and breakers, and the same one for DNS.
    [hostname.endsWith('.'), 'The host of the URL must not end with a dot'],
    [
      !HOST_NAME.test(hostname),
      'The host of the URL must be a name of labels with 1 to 63 letters, digits and hyphens, no hyphen at their ends',
    ],
    [port === '0', 'The port of the URL must not be 0'],
    [username !== '' || password !== '', 'The URL must not contain a user or a password'],
    [text.includes('#'), 'The URL must not contain a fragment'],
  ]
  const broken = rules.find(([isBroken]) => isBroken)
  if (broken !== undefined) throw new OutboundError('URL_REFUSED', broken[1])
  return url
}

/**
 * Parses a URL that the server stores, and will request later. It must be in normal form. Without test domains, no
 * local name is of use.
 *
 * @throws OutboundError with URL_REFUSED, also as parseTarget does
 */
export function parseStoredTarget(text: string, testDomains: boolean): URL {
  const url = parseTarget(text, testDomains)
  const { href, hostname } = url
  if (parseNormalUrl(text) === undefined) {
    throw new OutboundError('URL_REFUSED', `The URL must be in the normal form of URLs: ${href}`)
  }
  if (!testDomains && (hostname === 'localhost' || hostname.endsWith('.localhost'))) {
    throw new OutboundError('URL_REFUSED', 'The host of the URL must not be this machine')
  }
  return url
}

/** Returns whether a host is one that means this machine on a server with test domains. */
export function isLocalName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.test')
}

/** The URL parser has normalised every other form of an IPv4 address: decimal, octal, hexadecimal, short. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || isIP(hostname) !== 0
}
