import { ApiError } from '../platform/errors/api-error.ts'
import { EarlyRefusal, type Params, type Route } from './exchange.ts'
import { PREFLIGHT_HEADERS } from './security-headers.ts'

/** Finds the route of a request. Throws EarlyRefusal. */
export type Router = (method: string, path: string) => { readonly route: Route; readonly params: Params }

interface Pattern {
  readonly route: Route
  readonly names: readonly string[]
  readonly regExp: RegExp
  /** A sort key that puts literal segments before variable ones. */
  readonly rank: string
}

const NO_PARAMS: Params = {}
const VARIABLE = /\{([^}]+)\}/g

/**
 * Creates the router of the given routes. It prefers a literal segment to a `{name}` segment. It refuses an unknown
 * path with ROUTE_NOT_FOUND. If the path has no route for the method, it refuses with METHOD_NOT_ALLOWED and sends the
 * header Allow (RFC 9110 section 15.5.6).
 */
export function createRouter(routes: readonly Route[]): Router {
  const fixed = new Map<string, Route[]>()
  for (const route of routes) {
    if (!route.path.includes('{')) fixed.set(route.path, [...(fixed.get(route.path) ?? []), route])
  }
  const patterns = routes
    .filter(({ path }) => path.includes('{'))
    .map(patternOf)
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
  return (method, path) => {
    const verb = method === 'HEAD' ? 'GET' : method
    const literal = fixed.get(path)?.find((route) => route.verb === verb)
    if (literal !== undefined) return { route: literal, params: NO_PARAMS }
    for (const pattern of patterns) {
      const found = pattern.route.verb === verb ? pattern.regExp.exec(path) : null
      if (found !== null) return { route: pattern.route, params: paramsOf(pattern, found) }
    }
    const others = patterns.filter(({ regExp }) => regExp.test(path)).map(({ route }) => route)
    return unrouted(method, path, [...(fixed.get(path) ?? []), ...others])
  }
}

function patternOf(route: Route): Pattern {
  return {
    route,
    names: [...route.path.matchAll(VARIABLE)].map(([, name = '']) => name),
    regExp: pathPattern(route.path),
    rank: route.path.replaceAll(VARIABLE, '\u{ffff}'),
  }
}

/**
 * Returns a pattern that matches the paths of a route with `{name}` segments. It also matches an empty value, which
 * the route refuses.
 */
export function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(VARIABLE, '([^/]*)')}$`)
}

function paramsOf({ names }: Pattern, found: RegExpExecArray): Params {
  return Object.fromEntries(names.map((name, index) => [name, decode(found[index + 1] ?? '')]))
}

function decode(sent: string): string {
  try {
    return decodeURIComponent(sent)
  } catch {
    throw new EarlyRefusal(new ApiError('INVALID_ARGUMENT', 'The path contains malformed percent-encoding'))
  }
}

/**
 * Returns the preflight route for OPTIONS on a path that browser scripts of other origins may read. Throws
 * EarlyRefusal for other requests.
 */
function unrouted(method: string, path: string, others: readonly Route[]): ReturnType<Router> {
  decode(path)
  if (others.length === 0) throw new EarlyRefusal(new ApiError('ROUTE_NOT_FOUND'))
  const readable = others.some(({ isCrossOrigin }) => isCrossOrigin === true)
  if (method === 'OPTIONS' && readable) return { route: PREFLIGHT, params: NO_PARAMS }
  const verbs = [...new Set(others.map(({ verb }) => verb))]
  const allow = [...verbs, ...(verbs.includes('GET') ? ['HEAD'] : []), ...(readable ? ['OPTIONS'] : [])].join(', ')
  throw new EarlyRefusal(new ApiError('METHOD_NOT_ALLOWED', `This path allows only ${allow}`), { allow })
}

const PREFLIGHT: Route = {
  verb: 'OPTIONS',
  path: '*',
  handle: async () => ({ status: 204, headers: PREFLIGHT_HEADERS, body: '' }),
}
