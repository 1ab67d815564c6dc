import type { AgentParty } from '../support/parties.ts'
import { type Answer, type Json, outcomeOf, type ProtocolClient, type TokenBody } from '../support/protocol-client.ts'
import { activeAgent, type OperatorParty, signedBody } from '../support/story.ts'

/**
 * The answers that a load got. What an answer says must stay true. A call without an answer may have been executed.
 */
export interface Told {
  /** Tokens that were returned, with the challenges they were redeemed for. */
  readonly issued: { readonly jti: string; readonly token: string; readonly body: TokenBody }[]
  /** Tokens whose revocation was answered. */
  readonly revoked: string[]
  /** Tokens that existed when a suspension of their agent was answered. */
  readonly ended: string[]
  /** Redemptions that were sent and not answered with a token. */
  readonly unanswered: TokenBody[]
  /** Every status and reason of other answers. */
  readonly refusals: Set<string>
  /** Begin and end of each call that got another answer, by `performance.now()`. */
  readonly refusedWithin: { readonly from: number; readonly to: number }[]
}

/** Agents that get, revoke and end tokens as fast as they can. */
export interface Load {
  readonly told: Told
  /** Lets the agents continue after a fault. An agent whose call got no answer waits until `resume` is called. */
  resume(): void
  /** How many agents wait for `resume`. */
  waiting(): number
  /** Lets each agent finish its turn. Rejects if an agent got an error that no fault explains. */
  stop(): Promise<void>
}

/** Thrown if a call got no answer, or another answer than it would get without the fault. */
class Unanswered extends Error {}

/**
 * Starts `size` agents, each with its own key.
 * @param client returns the server to call now; it may change after a restart
 */
export async function startLoad(client: () => ProtocolClient, operator: OperatorParty, size: number): Promise<Load> {
  const agents = await Promise.all(Array.from({ length: size }, () => activeAgent(client(), operator)))
  const told: Told = { issued: [], revoked: [], ended: [], unanswered: [], refusals: new Set(), refusedWithin: [] }
  let gate = Promise.withResolvers<void>()
  let waiting = 0
  const end = new AbortController()
  const work = async (agent: AgentParty): Promise<void> => {
    let isSuspensionLost = false
    while (!end.signal.aborted) {
      try {
        if (isSuspensionLost) await makeActive(client(), operator, agent)
        isSuspensionLost = false
        await takeTurn(client(), operator, agent, told)
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        isSuspensionLost = true
        if (end.signal.aborted) return
        waiting += 1
        await gate.promise
        waiting -= 1
      }
    }
  }
  const workers = Promise.all(agents.map(work))
  // `stop` awaits `workers`, so until then a rejection must not count as unhandled.
  workers.catch(() => undefined)
  const resume = (): void => {
    gate.resolve()
    gate = Promise.withResolvers()
  }
  return {
    told,
    resume,
    waiting: () => waiting,
    async stop() {
      end.abort()
      resume()
      await workers
    },
  }
}

/**
 * Reactivates an agent. After a lost answer the state of the agent is unknown. If it is active, the server refuses to
 * reactivate it, and that is fine.
 */
async function makeActive(client: ProtocolClient, operator: OperatorParty, { did }: AgentParty): Promise<void> {
  const answer = await client.reactivateAgent(operator.id, did, operator).catch(() => undefined)
  if (answer === undefined || answer.status === 503) throw new Unanswered()
}

/** Gets four tokens and revokes one. Then suspends the agent for a moment, which ends all four. */
async function takeTurn(client: ProtocolClient, operator: OperatorParty, agent: AgentParty, told: Told): Promise<void> {
  const tokens: string[] = []
  for (let count = 0; count < 4; count += 1) tokens.push(await issue(client, agent, told))
  const [first = ''] = tokens
  await answered(client.revokeToken(first), told)
  told.revoked.push(first)
  await answered(client.suspendAgent(operator.id, agent.did, operator), told)
  told.ended.push(...tokens)
  await answered(client.reactivateAgent(operator.id, agent.did, operator), told)
}

async function issue(client: ProtocolClient, agent: AgentParty, told: Told): Promise<string> {
  const body = signedBody(agent, await answered(client.challenge(agent.did), told))
  told.unanswered.push(body)
  const { token, jti } = await answered(client.token(body), told)
  told.unanswered.splice(told.unanswered.indexOf(body), 1)
  told.issued.push({ token: String(token), jti: String(jti), body })
  return String(token)
}

/** Returns the body of a 200. After a lost connection or another status the outcome of the call is unknown. */
async function answered(call: Promise<Answer>, told: Told): Promise<Json> {
  const from = performance.now()
  const answer = await call.catch(() => undefined)
  if (answer?.status === 200) return answer.body
  if (answer !== undefined) {
    told.refusals.add(outcomeOf(answer))
    told.refusedWithin.push({ from, to: performance.now() })
  }
  throw new Unanswered()
}
