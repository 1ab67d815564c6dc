import { create } from '@bufbuild/protobuf'
import { type CheckResponse, CheckResponseSchema } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { callerFacts, FACTS, isSendable, type Told, type Verified } from './caller-facts.ts'
import { type Refusal, refusal, setHeader } from './refusal.ts'
import { DEFAULT_PREFIX, type RouteDemands } from './route-demands.ts'
import { namesLike, type SentHeaders } from './sent-headers.ts'

const TOKEN_HEADERS = ['authorization', 'dpop']

/**
 * Makes the answer for a request with a valid token. It sets the headers about the caller, and removes every other
 * header that an API could take for one of them. Envoy removes after it sets, so no header that is set may be removed.
 */
export function allowed(verified: Verified, demands: RouteDemands, sent: SentHeaders): CheckResponse | Refusal {
  const { facts, metadata } = toldOf(verified, demands)
  if (!isSendable(facts)) return refusal('CLAIM_NOT_SENDABLE')
  const { prefix, isTokenForwarded } = demands
  const told = FACTS.filter((name) => facts[name] !== '')
  const set = new Set(told.map((name) => prefix + name))
  const remove = new Set([
    ...FACTS.map((name) => prefix + name),
    ...namesLike(sent, prefix),
    // An API that has always read the default names must not find them in a request.
    ...(prefix === DEFAULT_PREFIX ? [] : namesLike(sent, DEFAULT_PREFIX)),
    ...(isTokenForwarded ? [] : TOKEN_HEADERS),
  ])
  for (const name of set) remove.delete(name)
  return create(CheckResponseSchema, {
    status: { code: 0 },
    httpResponse: {
      case: 'okResponse',
      value: {
        headers: told.map((name) => setHeader(prefix + name, facts[name])),
        headersToRemove: [...remove],
      },
    },
    dynamicMetadata: metadata,
  })
}

/** The facts of a token that was seen before are the same: its claims are one object for the whole process. */
const seen = new WeakMap<object, Map<string, Told>>()
/** More routes than a proxy has for one token. */
const MAX_ROUTES = 16

function toldOf(verified: Verified, { request }: RouteDemands): Told {
  const demands = { audience: request.audience, scope: request.scope ?? '' }
  // What is told about a foreign token depends on statements, which may change.
  if ('trust' in verified) return callerFacts(verified, demands)
  const key = 'authority' in verified ? verified.authority : verified.claims
  const route = 'authority' in verified ? JSON.stringify(demands) : ''
  const byRoute = seen.get(key) ?? new Map<string, Told>()
  const known = byRoute.get(route)
  if (known !== undefined) return known
  const told = callerFacts(verified, demands)
  if (byRoute.size >= MAX_ROUTES) byRoute.clear()
  byRoute.set(route, told)
  seen.set(key, byRoute)
  return told
}
