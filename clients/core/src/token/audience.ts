const MAX_AUDIENCES = 8
const MAX_LENGTH = 255
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

/** One audience: its text for `aud`, and the host that determines its owner. */
export interface Audience {
  readonly text: string
  readonly host: string
}

/**
 * Reads one audience: an absolute URL with a host and without user information or fragment, or a host name in
 * A-labels. It never rewrites the text, because services compare `aud` byte for byte (RFC 7519 section 4.1.3).
 *
 * @returns the audience, or undefined if the text is neither, is longer than 255 characters, or its host is not in
 *   normal form.
 * @example
 * ```ts
 * import { parseAudience } from '@auth4agent/core/token/audience'
 *
 * parseAudience('https://api.acme.example/v2')?.host // 'api.acme.example'
 * parseAudience('https://API.acme.example') // undefined
 * ```
 */
export function parseAudience(text: string): Audience | undefined {
  if (text.length === 0 || text.length > MAX_LENGTH) return undefined
  if (HOST.test(text)) return { text, host: text }
  // WHATWG parsing accepts white space and backslashes, which other parsers read differently. Other characters outside
  // RFC 3986 are refused too: JSON escapes a quote, so eight long audiences with quotes could make a token too long.
  if (!/^[a-z][a-z0-9+.-]*:\/\/[\x21-\x7e]+$/.test(text) || /[\\#@"<>^`{|}]/.test(text) || !URL.canParse(text)) {
    return undefined
  }
  const host = new URL(text).hostname.toLowerCase()
  const written = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)/.exec(text)?.[1]?.replace(/:\d*$/, '')
  const isHost = HOST.test(host) || /^\[[0-9a-f:.]+\]$/.test(host)
  return isHost && written === host ? { text, host } : undefined
}

/**
 * Reads a request's audiences, at most 8, without duplicates. Returns undefined if one of them is invalid.
 *
 * @example
 * ```ts
 * import { parseAudiences } from '@auth4agent/core/token/audience'
 *
 * const audiences = parseAudiences(['https://api.acme.example', 'acme.example'])
 * ```
 */
export function parseAudiences(texts: readonly string[]): Audience[] | undefined {
  if (texts.length > MAX_AUDIENCES) return undefined
  const audiences = new Map<string, Audience>()
  for (const text of texts) {
    const audience = parseAudience(text)
    if (audience === undefined) return undefined
    audiences.set(text, audience)
  }
  return [...audiences.values()]
}

/** Most audiences of one verifier. No service has more. */
const MAX_DEMANDED = 64

/**
 * Reads the audiences of a verifier. A token must be for one of them.
 *
 * @throws TypeError for an empty list, which may be a variable that is not set, and for an audience that no token can
 *   have, because the verifier would refuse every token.
 * @example
 * ```ts
 * import { readDemandedAudiences } from '@auth4agent/core/token/audience'
 *
 * readDemandedAudiences('https://api.acme.example') // ['https://api.acme.example']
 * ```
 */
export function readDemandedAudiences(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.length > MAX_DEMANDED) {
    throw new TypeError(`audience must be 1 to ${MAX_DEMANDED} URLs or host names`)
  }
  return list.map((text) => {
    if (typeof text === 'string' && parseAudience(text) !== undefined) return text
    const given = typeof text === 'string' ? JSON.stringify(text.slice(0, 300)) : typeof text
    throw new TypeError(
      `audience must be a host name, or a URL without user and fragment, with its host in lower case, not ${given}`,
    )
  })
}
