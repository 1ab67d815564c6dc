const MAX_AUDIENCES = 8
const MAX_LENGTH = 255
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

/** One audience: the text as it goes into `aud`, and the host that decides who owns it. */
export interface Audience {
  readonly text: string
  readonly host: string
}

/**
 * Reads one audience: an absolute URL with a host and no user information or fragment, or a bare host name in A-labels.
 * The text is never rewritten, for services compare `aud` byte for byte (RFC 7519 section 4.1.3).
 *
 * @returns undefined when it is neither, is too long, or its host is not written as the owner is looked up.
 */
export function parseAudience(text: string): Audience | undefined {
  if (text.length === 0 || text.length > MAX_LENGTH) return undefined
  if (HOST.test(text)) return { text, host: text }
  // WHATWG parsing would forgive white space and backslashes that other parsers read in another way.
  // What RFC 3986 does not allow is refused, also because a quote doubles in JSON and eight long ones would overfill a token.
  if (!/^[a-z][a-z0-9+.-]*:\/\/[\x21-\x7e]+$/.test(text) || /[\\#@"<>^`{|}]/.test(text) || !URL.canParse(text)) {
    return undefined
  }
  const host = new URL(text).hostname.toLowerCase()
  const written = /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)/.exec(text)?.[1]?.replace(/:\d*$/, '')
  const isHost = HOST.test(host) || /^\[[0-9a-f:.]+\]$/.test(host)
  return isHost && written === host ? { text, host } : undefined
}

/** Reads a request's audiences, at most 8, as a set. Undefined when one of them is none. */
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

/** More than a service has names. */
const MAX_DEMANDED = 64

/**
 * Reads the audiences of which a token must name one. Throws TypeError for an empty list and for an audience that no token can have: the
 * demand would refuse every token, or is a variable that somebody forgot to set.
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
      `audience must be a URL without user and fragment, or a host name, its host in lower case: ${given}`,
    )
  })
}
