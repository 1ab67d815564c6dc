/** The parts of a request that show who calls. Nothing else in a request is read. */
export interface Presented {
  /** The same object for every guard of one request, and for no other request. */
  readonly request: object
  /** All Authorization headers. */
  readonly authorization: readonly string[]
  /** All DPoP headers. */
  readonly dpop: readonly string[]
  /** The method of the request, such as GET. */
  readonly method: string
  /** The target of the request (RFC 9112 section 3.2), or a URL. Only its path is used. */
  readonly target: string
}

/** The members that this module reads of a request (node:http or node:http2). Tests can pass their own object. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Header names and values, alternately. */
  readonly rawHeaders: readonly string[]
}

/**
 * Returns all Authorization and DPoP headers of a request. Node's `headers` has only the first of several
 * Authorization headers, but a proxy may have checked another one.
 */
export function credentialsOf({ headers, rawHeaders }: NodeRequest): Pick<Presented, 'authorization' | 'dpop'> {
  const sent: Record<'authorization' | 'dpop', string[]> = { authorization: [], dpop: [] }
  for (let index = 1; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index - 1]?.toLowerCase()
    if (name === 'authorization' || name === 'dpop') sent[name].push(rawHeaders[index] ?? '')
  }
  const all = (name: 'authorization' | 'dpop') => (sent[name].length > 1 ? sent[name] : listOf(headers[name]))
  return { authorization: all('authorization'), dpop: all('dpop') }
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/** The scheme and authority of an absolute URL. */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/**
 * Returns the path of a request target or URL, without the query. Returns undefined for a target without a path (`*`,
 * or `host:port`). The host in the target is never used.
 */
export function pathOf(target: string): string | undefined {
  const authority = AUTHORITY.exec(target)?.[0]
  const [path = ''] = target.slice(authority?.length ?? 0).split(/[?#]/, 1)
  if (path.startsWith('/')) return path
  return authority !== undefined && path === '' ? '/' : undefined
}
