import { refused } from './refusal.ts'

/** The request about which a proxy asks. A text is empty if the proxy did not say it. */
export interface OriginalRequest {
  readonly method: string
  readonly scheme: string
  readonly host: string
  /** Path and query, as the client sent them. */
  readonly path: string
}

const UNKNOWN: OriginalRequest = { method: '', scheme: '', host: '', path: '' }
const SCHEMES: Readonly<Record<string, string>> = { http: 'http', https: 'https', ws: 'http', wss: 'https' }
const AUTHORITY = /^[\w.:[\]-]+$/
const ABSOLUTE = /^(https?):\/\/([^/?#]*)(\/.*)?$/i

/**
 * Reads the original request from headers of the proxy: X-Original-Method and X-Original-URL, or X-Forwarded-Method,
 * -Proto, -Host and -Uri. A proxy that sets one group may forward the other one from the client, so both must agree.
 *
 * @param isTrusted whether the headers come from a trusted proxy; if not, they say nothing
 * @throws EarlyRefusal if they are repeated, malformed, or contradict each other
 */
export function readOriginalRequest(headers: ReadonlyMap<string, string>, isTrusted: boolean): OriginalRequest {
  if (!isTrusted) return UNKNOWN
  const get = (name: string) => headers.get(name) ?? ''
  const url = splitUrl(get('x-original-url'))
  const proto = get('x-forwarded-proto').toLowerCase()
  const scheme = SCHEMES[proto] ?? ''
  const path = get('x-forwarded-uri')
  const host = get('x-forwarded-host')
  if ((proto !== '' && scheme === '') || (path !== '' && !path.startsWith('/'))) throw unclear()
  if (host !== '' && !AUTHORITY.test(host)) throw unclear()
  return {
    method: agreed(get('x-original-method'), get('x-forwarded-method')),
    scheme: agreed(url.scheme, scheme),
    host: agreed(url.host, host),
    path: agreed(url.path, path),
  }
}

function agreed(one: string, other: string): string {
  if (one !== '' && other !== '' && one !== other) throw unclear()
  return one === '' ? other : one
}

/** Splits a whole URL. Some proxies send only path and query. */
function splitUrl(text: string): Omit<OriginalRequest, 'method'> {
  if (text === '' || text.startsWith('/')) return { ...UNKNOWN, path: text }
  const [, scheme = '', host = '', path = '/'] = ABSOLUTE.exec(text) ?? []
  if (!AUTHORITY.test(host)) throw unclear()
  return { scheme: scheme.toLowerCase(), host, path }
}

function unclear() {
  return refused('ORIGINAL_REQUEST_UNCLEAR')
}
