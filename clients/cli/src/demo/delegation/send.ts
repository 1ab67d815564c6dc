import type { Agent, AuthorizationHeaders } from '@auth4agent/sdk'
import type { ProtectedApi } from '../protected-api.ts'
import { type Answered, answerOf, unexpected } from '../until-refused.ts'
import type { PAID_CALLS } from './paid-api.ts'

/** A call of the API. */
export interface PaidCall {
  readonly path: keyof typeof PAID_CALLS
  readonly amount: number
}

/** A payment. */
export function pay(amount: number): PaidCall {
  return { path: '/payments', amount }
}

/**
 * Calls the API with the headers that an agent makes, without the SDK's fetch, which would repeat a refused call.
 * `audience` lets the agent send a token for its chain.
 */
export async function send(agent: Agent, api: ProtectedApi, call: PaidCall, audience?: string): Promise<Answered> {
  const how = audience === undefined ? {} : ({ delegation: 'exchange', audience } as const)
  return sendWith(await agent.authorization('POST', api.url + call.path, how), api, call)
}

/** Calls the API with the given headers. */
export async function sendWith(
  { authorization, dpop = '' }: AuthorizationHeaders,
  { url }: ProtectedApi,
  { path, amount }: PaidCall,
): Promise<Answered> {
  const headers = { authorization, dpop, 'content-type': 'application/json' }
  return answerOf(await fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ amount }) }))
}

/**
 * Reads why the API refused a call. `told` has the reason, and the rule that the call breaks. Throws if the API did
 * not refuse the call for this reason.
 */
export function refusalOf({ status, body }: Answered, expected: string) {
  const { reason, title } = status >= 400 ? Object(JSON.parse(body)) : {}
  if (reason !== expected) throw unexpected('the API', status, body)
  return { status, told: [`${status} ${reason}`, ruleIn(String(title))] as const }
}

/** Returns the rule in a message of the form `MEANING: RULE`. */
function ruleIn(message: string): string {
  return message.slice(message.indexOf(': ') + 2)
}
