import { formatUuid } from '@auth4agent/core/encoding/uuid'
import type { AgentParty } from '../support/parties.ts'
import { postAll } from './load/post-all.ts'

/** Creates the bodies of loads before a measurement, so that the measurement includes only the work of the server. */

const JSON_TYPE = 'application/json'

/** Gets challenges for the agents in turn and signs them. Returns bodies of POST /v1/token. */
export async function tokenBodies(http: string, agents: readonly AgentParty[], count: number): Promise<string[]> {
  const askers = cycle(agents, count)
  const bodies = askers.map(({ did }) => JSON.stringify({ did }))
  const answers = await postAll({ url: `${http}/v1/challenge`, contentType: JSON_TYPE, bodies })
  return answers.map(({ body }, index) => {
    const { challenge, nonce }: { challenge: string; nonce: string } = JSON.parse(body)
    const agent = askers[index]
    if (agent === undefined) throw new RangeError('Each answer must belong to an agent')
    const signature = agent.sign(challenge, nonce).toString('base64')
    return JSON.stringify({ did: agent.did, challenge, nonce, signature, scope: 'read' })
  })
}

/** Returns the database id of the challenge that a body of POST /v1/token redeems. */
export function challengeIdOf(body: string): string {
  const { nonce }: { nonce: string } = JSON.parse(body)
  return formatUuid(Buffer.from(nonce, 'base64url'))
}

/** Issues fresh tokens. */
export async function issueTokens(http: string, agents: readonly AgentParty[], count: number): Promise<string[]> {
  const bodies = await tokenBodies(http, agents, count)
  const answers = await postAll({ url: `${http}/v1/token`, contentType: JSON_TYPE, bodies })
  return answers.map(({ body }) => JSON.parse(body).token)
}

/** Repeats a list until it has `count` elements. */
export function cycle<T>(all: readonly T[], count: number): T[] {
  return Array.from({ length: Math.ceil(count / all.length) }, () => all)
    .flat()
    .slice(0, count)
}
