import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../simulation/revocation/random.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { TokenBody } from '../../support/protocol-client.ts'
import { type OperatorParty, signedBody } from '../../support/story.ts'
import type { Action, ChangeName, Outcome, Recorder } from '../history/history.ts'
import type { Caller, Reply } from './callers.ts'
import type { Request } from './requests.ts'
import * as requests from './requests.ts'

/** An agent with its operator. */
export interface Party {
  readonly agent: AgentParty
  readonly operator: OperatorParty
}

/** A token that a client has received. */
export interface HeldToken extends Party {
  readonly jti: string
  readonly jwt: string
}

/** The state that all clients of a load share. */
export interface Shared {
  readonly recorder: Recorder
  /** Every way to call every server. */
  readonly callers: readonly Caller[]
  readonly tokens: HeldToken[]
  /** Ids of tokens that a change may have ended. */
  readonly touched: Set<string>
  /** Redemptions that were sent and not answered with a token. */
  readonly unanswered: Set<TokenBody>
  /** Aborts when the clients should stop. */
  readonly stopping: AbortSignal
}

/** One client, which makes one call after another. */
export interface Session {
  readonly random: Random
  /** Makes a call once, at the given caller or a random one. */
  ask(action: Action, request: Request, at?: Caller): Promise<Reply>
  /** Repeats a change at random callers until its outcome is known; undefined if the load stops before. */
  change(name: ChangeName, subject: string, request: Request): Promise<Outcome | undefined>
  /** Gets a token. Sometimes redeems the challenge at two callers at once. */
  issue(party: Party): Promise<HeldToken | undefined>
  verify(token: HeldToken, at?: Caller): Promise<void>
  /** Verifies the tokens at every server. */
  probe(tokens: readonly HeldToken[]): Promise<void>
  /** Pauses for a random time between two bounds. */
  pause(leastMs: number, mostMs: number): Promise<void>
}

const DOUBLE_REDEMPTIONS = 0.15

/** Creates a client. Its name is part of its request ids. */
export function createSession(shared: Shared, name: string, random: Random): Session {
  const { recorder, callers, stopping } = shared
  let count = 0
  const newId = () => {
    count += 1
    return `${name}-${count}`
  }
  const pause = (least: number, most: number) =>
    delay(random.between(least, most), undefined, { signal: stopping }).catch(() => undefined)

  const send = async (requestId: string, at: Caller, action: Action, request: Request): Promise<Reply> => {
    let reply: Reply | undefined
    const run = async () => {
      reply = await at.call(request, requestId)
      return { outcome: reply.outcome, learned: learnedFrom(action, reply) }
    }
    const { outcome } = await recorder.record({ requestId, at: at.at, action, run })
    return reply ?? { outcome }
  }
  const ask: Session['ask'] = (action, request, at = random.pick(callers)) => send(newId(), at, action, request)

  const verify: Session['verify'] = async (token, at) => {
    await ask({ name: 'verify', jti: token.jti }, requests.verify(token.jwt), at)
  }
  return {
    random,
    ask,
    verify,
    pause,
    async change(changeName, subject, request) {
      const requestId = newId()
      while (!stopping.aborted) {
        const { outcome } = await send(requestId, random.pick(callers), { name: changeName, subject }, request)
        if (outcome.kind !== 'unknown') return outcome
        await pause(10, 60)
      }
      return undefined
    },
    async issue(party) {
      const { agent, operator } = party
      const asked = await ask({ name: 'challenge', agent: agent.did }, requests.challenge(agent.did))
      if (asked.outcome.kind !== 'ok' || asked.body === undefined) return undefined
      const body = signedBody(agent, asked.body)
      const action = { name: 'token', challenge: body.challenge, agent: agent.did, operator: operator.id } as const
      shared.unanswered.add(body)
      const redeem = () => ask(action, requests.token(body))
      const replies = await Promise.all(random.chance(DOUBLE_REDEMPTIONS) ? [redeem(), redeem()] : [redeem()])
      const issued = replies.find(({ outcome }) => outcome.kind === 'ok')?.body
      if (issued === undefined) return undefined
      shared.unanswered.delete(body)
      const held = { ...party, jti: String(issued['jti']), jwt: String(issued['token']) }
      shared.tokens.push(held)
      return held
    },
    async probe(tokens) {
      const places = [...Map.groupBy(callers, ({ at }) => at).values()]
      await Promise.all(tokens.flatMap((token) => places.map((ways) => verify(token, random.pick(ways)))))
    },
  }
}

/** Returns what an answer adds to the record of its call. */
function learnedFrom(action: Action, { outcome, body }: Reply): Partial<Action> {
  if (outcome.kind !== 'ok' || body === undefined) return {}
  if (action.name === 'token') return { jti: String(body['jti']) }
  if (action.name === 'verify') return { isValid: body['valid'] === true, verdict: String(body['reason']) }
  return {}
}
