import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { create } from '@bufbuild/protobuf'
import { type CheckResponse, CheckResponseSchema } from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { freezeAll } from '../freeze-all.ts'
import { callerFacts, FACTS, isSendable, type Verified } from './caller-facts.ts'
import { type Refusal, refusal, setHeader } from './refusal.ts'
import { DEFAULT_PREFIX, type RouteDemands } from './route-demands.ts'
import { namesLike, type SentHeaders } from './sent-headers.ts'

const TOKEN_HEADERS = ['authorization', 'dpop']
/** The most answers that a process remembers. One takes about 6 kB. */
const MAX_ANSWERS = 4_096

/** Makes the answer for a request with a valid token. */
export type Allow = (verified: Verified, demands: RouteDemands, sent: SentHeaders) => CheckResponse | Refusal

/**
 * Creates the function that answers requests with a valid token. It remembers the usual answer for a token: the claims
 * of a token that was seen before are always one object.
 */
export function createAllow(): Allow {
  const known = new Map<object, { readonly form: string; readonly answer: CheckResponse | Refusal }>()
  return (verified, demands, sent) => {
    const names = clientNames(sent, demands.prefix)
    // What is told about a foreign token depends on statements, which may change.
    if (names.length > 0 || 'trust' in verified) return answerFor(verified, demands, names)
    const isAuthority = 'authority' in verified
    const key = isAuthority ? verified.authority : verified.claims
    const form = isAuthority ? demands.formOfDelegated : demands.form
    const before = known.get(key)
    if (before?.form === form) return before.answer
    const answer = freezeAll(answerFor(verified, demands, names))
    keepNewest(known, key, { form, answer }, MAX_ANSWERS)
    return answer
  }
}

/** Returns the headers that a client sent, and that an API could take for those about the caller. */
function clientNames(sent: SentHeaders, prefix: string): readonly string[] {
  const names = namesLike(sent, prefix)
  // An API that has always read the default names must not find them in a request.
  return prefix === DEFAULT_PREFIX ? names : [...names, ...namesLike(sent, DEFAULT_PREFIX)]
}

/**
 * Makes an answer that sets the headers about the caller, and removes every other header that an API could take for
 * one of them. Envoy removes after it sets, so no header that is set may be removed.
 */
function answerFor(
  verified: Verified,
  { request, prefix, isTokenForwarded }: RouteDemands,
  names: readonly string[],
): CheckResponse | Refusal {
  const { facts, metadata } = callerFacts(verified, { audience: request.audience, scope: request.scope ?? '' })
  if (!isSendable(facts)) return refusal('CLAIM_NOT_SENDABLE')
  const told = FACTS.filter((name) => facts[name] !== '')
  const remove = new Set([...FACTS.map((name) => prefix + name), ...names, ...(isTokenForwarded ? [] : TOKEN_HEADERS)])
  for (const name of told) remove.delete(prefix + name)
  return create(CheckResponseSchema, {
    status: { code: 0 },
    httpResponse: {
      case: 'okResponse',
      value: { headers: told.map((name) => setHeader(prefix + name, facts[name])), headersToRemove: [...remove] },
    },
    dynamicMetadata: metadata,
  })
}
