import { setTimeout as delay } from 'node:timers/promises'
import type { AgentParty } from '../../support/parties.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { ALGORITHMS, type Algorithm, audienceOf, headerOf } from '../../support/signing-keys.ts'
import { type OperatorParty, signedChallenge } from '../../support/story.ts'

/** A token, with the times of request and arrival on the monotonic clock in milliseconds. */
export interface IssuedToken {
  readonly kid: string
  readonly alg: string
  readonly token: string
  readonly begunAt: number
  readonly answeredAt: number
}

/** Options of startLoad. */
export interface LoadOptions {
  readonly operator: OperatorParty
  readonly agents: readonly AgentParty[]
  /** Returns the servers that issue and verify tokens now; the test may replace them. */
  readonly clients: () => readonly ProtocolClient[]
  /** Rejects when an offline verifier refuses a token. */
  readonly verifyOffline: (token: string) => Promise<unknown>
}

/** Agents that keep requesting tokens of every algorithm and verifying them. */
export interface Load {
  readonly tokens: readonly IssuedToken[]
  /** How many verifications have answered valid. */
  readonly verified: () => number
  /** The errors so far. */
  readonly troubles: readonly string[]
  /** Stops the load after each agent has finished its current turn. */
  stop(): Promise<void>
}

/** The pause after each turn in milliseconds. It keeps the load from using the whole machine. */
const PACE_MS = 80
/** How many tokens verifyAgain verifies at the same time. */
const AT_ONCE = 8

/** Starts a load. Each agent has one call running at a time. */
export function startLoad({ operator, agents, clients, verifyOffline }: LoadOptions): Load {
  const tokens: IssuedToken[] = []
  const troubles: string[] = []
  const stopping = new AbortController()
  let verified = 0
  const verify = async (token: string, at: ProtocolClient): Promise<void> => {
    const { status, body } = await at.verify(token)
    if (status !== 200 || body.valid !== true)
      throw new Error(`The token is not valid: ${status} ${JSON.stringify(body)}`)
    await verifyOffline(token)
    verified += 1
  }
  const turnOf = async (agent: AgentParty, turn: number): Promise<void> => {
    const all = clients()
    const [one, other] = [all[Math.floor(turn / ALGORITHMS.length) % all.length], all[turn % all.length]]
    const alg = ALGORITHMS[turn % ALGORITHMS.length]
    if (one === undefined || other === undefined || alg === undefined) throw new RangeError('No server was started')
    const next = all[(all.indexOf(one) + 1) % all.length] ?? one
    const fresh = await issue(one, other, agent, alg, operator)
    tokens.push(fresh)
    await verify(fresh.token, next)
    const earlier = tokens[(turn * 7) % tokens.length]
    if (earlier !== undefined) await verify(earlier.token, one)
  }
  const live = async (agent: AgentParty, first: number): Promise<void> => {
    for (let turn = first; !stopping.signal.aborted; turn += 1) {
      await turnOf(agent, turn).catch((error: unknown) => troubles.push(String(error)))
      await delay(PACE_MS)
    }
  }
  const lives = agents.map(live)
  return {
    tokens,
    verified: () => verified,
    troubles,
    async stop() {
      stopping.abort()
      await Promise.all(lives)
    },
  }
}

/** Verifies every token once more, at each server and offline. Returns the errors. */
export async function verifyAgain(
  tokens: readonly IssuedToken[],
  clients: readonly ProtocolClient[],
  verifyOffline: (token: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const troubles: string[] = []
  const left = tokens.values()
  const worker = async () => {
    for (const { token, kid } of left) {
      for (const client of clients) {
        const { body } = await client.verify(token)
        if (body.valid !== true) troubles.push(`${kid}: ${JSON.stringify(body)}`)
      }
      await verifyOffline(token).catch((error: unknown) => troubles.push(`${kid}: ${String(error)}`))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return troubles
}

async function issue(
  one: ProtocolClient,
  other: ProtocolClient,
  agent: AgentParty,
  wanted: Algorithm,
  operator: OperatorParty,
): Promise<IssuedToken> {
  const body = await signedChallenge(other, agent, { audience: audienceOf(wanted, operator) })
  const begunAt = performance.now()
  const answer = await one.token(body)
  const answeredAt = performance.now()
  if (answer.status !== 200)
    throw new Error(`The server issued no token: ${answer.status} ${JSON.stringify(answer.body)}`)
  const token = String(answer.body.token)
  const { alg, kid } = headerOf(token)
  if (alg !== wanted) throw new Error(`The token is signed with ${alg} instead of ${wanted}`)
  return { kid, alg, token, begunAt, answeredAt }
}
