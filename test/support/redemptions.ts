import { randomUUID } from 'node:crypto'
import { readTimeline } from '../../services/authn/index.ts'
import type { RedeemInput } from '../../services/authn/store.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { startInstance } from './authn.ts'
import { freshOperator, insertAgent, type TestAgent } from './authn-agents.ts'

/** Returns what redeems a new challenge of an agent for a token, with changes. */
export type RedemptionOf = (change?: Partial<RedeemInput>) => RedeemInput

const nowS = () => Math.floor(Date.now() / 1000)

/** Makes keys and an agent, and redemptions of that agent. */
export async function redemptions(db: Db): Promise<{ readonly agent: TestAgent; readonly redemption: RedemptionOf }> {
  await (await startInstance(db)).runJobs()
  const agent = await insertAgent(db, await freshOperator(db))
  const { current: timeline } = await readTimeline(db.pool)
  const { id: challengeKeyId } = await db.prisma.challengeKey.findFirstOrThrow()
  const redemption: RedemptionOf = (change) => ({
    challengeId: randomUUID(),
    challengeExp: nowS() + 300,
    challengeKeyId,
    agentId: agent.id,
    agentVersion: 1,
    operatorId: agent.operatorId,
    operatorVersion: 1,
    timeline,
    owners: [],
    publicKey: agent.publicKey,
    addedKid: '',
    jti: randomUUID(),
    keepUntil: nowS() + 900,
    alg: 'EdDSA',
    purpose: 'access_token',
    actor: `agent:${agent.did}`,
    requestId: 'null',
    exchange: undefined,
    dpopId: '',
    dpopKeepUntil: 0,
    ...change,
  })
  return { agent, redemption }
}
