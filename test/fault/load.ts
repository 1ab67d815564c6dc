import type { AgentParty } from '../support/parties.ts'
import { type Answer, type Json, outcomeOf, type ProtocolClient, type TokenBody } from '../support/protocol-client.ts'
import { activeAgent, type OperatorParty, signedBody } from '../support/story.ts'

/** What a load has been told and not been told: the answers that came are promises, the others may be either. */
export interface Told {
  /** Tokens that were answered, with the challenges they were redeemed for. */
  readonly issued: { readonly jti: string; readonly token: string; readonly body: TokenBody }[]
  /** Tokens whose revocation was answered. */
  readonly revoked: string[]
  /** Tokens that were there when a suspension of their agent was answered. */
  readonly ended: string[]
  /** Redemptions that were sent and not answered with a token. */
  readonly unanswered: TokenBody[]
  /** Every other status and reason that came. */
  readonly refusals: Set<string>
  /** From when to when each of those took, by `performance.now()`. */
  readonly refusedWithin: { readonly from: number; readonly to: number }[]
}

/** Agents that get, revoke and end tokens as fast as they can. */
export interface Load {
  readonly told: Told
  /** Lets it go on after a fault: those who got no answer wait for this. */
  resume(): void
  /** How many agents wait for `resume`. */
  waiting(): number
  /** Lets each agent finish what it is at. Rejects when one met something that no fault explains. */
  stop(): Promise<void>
}

/** A call that was not answered as it would be without the fault. */
class Unanswered extends Error {}

/**
 * Starts `size` agents, each with a key of its own.
 * @param client the server to call now; another one after a restart
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
  // Awaited by `stop`; until then a failure is nobody's surprise.
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

/** Whether a suspension took effect is not known when its answer is lost; an agent that is active refuses to be made so. */
async function makeActive(client: ProtocolClient, operator: OperatorParty, { did }: AgentParty): Promise<void> {
  const answer = await client.reactivateAgent(operator.id, did, operator).catch(() => undefined)
  if (answer === undefined || answer.status === 503) throw new Unanswered()
}

/** Four tokens; one is revoked, and then the agent is suspended for a moment, which ends them all. */
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

/** The body of a 200. A lost connection and 503 mean that it is not known what became of the call. */
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
