import { parseDid } from '@auth4agent/core/identity/did'
import { openCalls, type TransportOptions } from '@auth4agent/sdk'
import type { GivenCall } from './given-call.ts'
import { type Finding, type Inspection, meaningOf, refusedByServer } from './inspect-chain.ts'

/** The verdicts with which a server says that the owner of an audience does not let a holder call. */
const NOT_LISTED: ReadonlySet<string> = new Set(['OPERATOR_NOT_TRUSTED', 'ACTOR_NOT_TRUSTED'])

/**
 * Asks the server whether it accepts a call with a valid chain, by the rule by which it verifies and exchanges chains.
 * Only the server knows the callers that the owner of an audience lists. Resolves with the reason why it does not
 * accept the call. Rejects with Auth4AgentError if the server does not answer.
 */
export async function askAboutCall(
  { text, hops }: Pick<Inspection, 'text' | 'hops'>,
  { capability, args }: GivenCall,
  to: TransportOptions,
): Promise<Finding | undefined> {
  const at = capability.indexOf('#')
  const [audience, scope] = [capability.slice(0, at), capability.slice(at + 1)]
  const call = { audience: [audience], scope, ...(args !== undefined && { arguments: args }) }
  // A proof counts once, and the service is to see it first.
  const answer = await openCalls(to).verifyToken(text, {
    ...call,
    delegation: 'accept',
    proofChecked: true,
  })
  if (answer.valid) return undefined
  const [reason, hop] = [answer.reason ?? 'REFUSED', answer.hop ?? undefined]
  if (!NOT_LISTED.has(reason)) return refusedByServer(reason, hop)
  const domain = hop === undefined ? undefined : parseDid(hops[hop]?.did ?? '')?.domain
  return {
    reason,
    hop,
    means: meaningOf(reason),
    rule: `the operator that owns the audience ${audience} must let every holder of the chain call it`,
    ...(domain !== undefined && { compared: { grant: `a holder of the domain ${domain}` } }),
    advice: `The owner of the audience can list the domain: \`auth4agent policy set --audience ${audience} --add-caller ${domain ?? 'DOMAIN'}\`.`,
  }
}
