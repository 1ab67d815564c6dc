import { ApiError } from '../platform/errors/api-error.ts'
import { EarlyRefusal, type Params, type Route } from './exchange.ts'
import { PREFLIGHT_HEADERS } from './security-headers.ts'

/** Finds what answers a request. Throws EarlyRefusal. */
export type Router = (method: string, path: string) => { readonly route: Route; readonly params: Params }

interface Pattern {
  readonly route: Route
  readonly names: readonly string[]
  readonly regExp: RegExp
  /** Sorts literal segments before variable ones. */
  readonly rank: string
}

const NO_PARAMS: Params = {}
const VARIABLE = /\{([^}]+)\}/g

/**
 * Creates the router of these routes. A literal segment is preferred to a `{name}` segment. A path without a route is
 * ROUTE_NOT_FOUND; one that has other methods is METHOD_NOT_ALLOWED with Allow (RFC 9110 section 15.5.6).
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

/** The paths, as sent, that a path with `{name}` segments stands for. A name may be empty: its reader refuses it. */
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
    throw new EarlyRefusal(new ApiError('INVALID_ARGUMENT', 'The path holds malformed percent-encoding'))
  }
}

/** Answers the preflight of what scripts may read, and refuses the rest. */
function unrouted(method: string, path: string, others: readonly Route[]): ReturnType<Router> {
  decode(path)
  if (others.length === 0) throw new EarlyRefusal(new ApiError('ROUTE_NOT_FOUND'))
  const readable = others.some(({ isCrossOrigin }) => isCrossOrigin === true)
  if (method === 'OPTIONS' && readable) return { route: PREFLIGHT, params: NO_PARAMS }
  const verbs = [...new Set(others.map(({ verb }) => verb))]
  const allow = [...verbs, ...(verbs.includes('GET') ? ['HEAD'] : []), ...(readable ? ['OPTIONS'] : [])].join(', ')
  throw new EarlyRefusal(new ApiError('METHOD_NOT_ALLOWED', `The path takes ${allow}`), { allow })
}

const PREFLIGHT: Route = {
  verb: 'OPTIONS',
  path: '*',
  handle: async () => ({ status: 204, headers: PREFLIGHT_HEADERS, body: '' }),
}
