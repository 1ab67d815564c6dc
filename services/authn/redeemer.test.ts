import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { type RedemptionOf, redemptions } from '../../test/support/redemptions.ts'
import { until } from '../../test/support/until.ts'
import { createRedeemer, type Redeemer } from './redeemer.ts'
import type { RedeemInput } from './store.ts'
import { readTimeline } from './timeline.ts'

const EPOCHS = [1, 1]
const nowS = () => Math.floor(Date.now() / 1000)

let database: TestDatabase
let agent: TestAgent
let input: RedemptionOf
let redeem: Redeemer

beforeAll(async () => {
  database = await testDatabase()
  ;({ agent, redemption: input } = await redemptions(database.db))
  redeem = createRedeemer(database.db.pool, await readTimeline(database.db.pool))
})
afterAll(() => database.drop())
afterEach(() => vi.useRealTimers())

const neverLate = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

/** Returns the number of transactions that have written these redemptions. */
async function transactionsOf(inputs: readonly RedeemInput[]): Promise<number> {
  const { rows } = await database.db.pool.query<{ count: number }>(
    'SELECT count(DISTINCT xmin::text)::int AS count FROM redemptions WHERE jti = ANY ($1)',
    [inputs.map(({ jti }) => jti)],
  )
  return rows[0]?.count ?? 0
}

/**
 * Redeems `count` challenges at the same time. Another transaction has inserted every `every`-th of these redemptions,
 * so the statements wait. Runs `meanwhile`, then lets the statements continue.
 */
async function whileTheyWait(
  { count, every = count }: { readonly count: number; readonly every?: number },
  meanwhile: (isOver: () => boolean, asked: readonly Promise<unknown>[]) => Promise<void>,
): Promise<string[]> {
  const blocker = await database.db.pool.connect()
  const inputs = Array.from({ length: count }, () => input())
  const held = inputs.filter((_, index) => index % every === 0)
  try {
    await blocker.query('BEGIN')
    for (const { challengeId, jti } of held) {
      await blocker.query(
        `INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until) VALUES ($1, $2, $3, 'x', now())`,
        [challengeId, `${jti}-held`, agent.id],
      )
    }
    let isOver = false
    const asked = inputs.map(redeem)
    const waiting = Promise.all(asked).finally(() => {
      isOver = true
    })
    await until(
      () => database.db.pool.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'transactionid'"),
      ({ rowCount }) => rowCount === held.length,
    )
    await meanwhile(() => isOver, asked)
    await blocker.query('COMMIT')
    return (await waiting).map(({ kind }) => kind)
  } finally {
    blocker.release(true)
  }
}

it('redeemer sends the redemptions of one turn in one transaction, and audits each', async () => {
  const inputs = Array.from({ length: 8 }, () => input())
  const outcomes = await Promise.all(inputs.map(redeem))
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['redeemed']))
  expect(await transactionsOf(inputs)).toBe(1)
  const jtis = inputs.map(({ jti }) => jti)
  const lines = await database.db.prisma.auditLog.findMany({ where: { subject: { in: jtis } } })
  expect(lines.map(({ subject }) => subject).toSorted()).toEqual(jtis.toSorted())
  for (const line of lines) {
    expect(line).toMatchObject({
      operatorId: agent.operatorId,
      actor: `agent:${agent.did}`,
      action: 'token.issue',
      requestId: 'null',
    })
  }
})

it('redeemer sends grants and tokens in one transaction, and each has its own key and audit', async () => {
  const grant = { purpose: 'grant', alg: 'Ed25519' } as const
  const inputs = [input(), input(grant), input({ alg: 'Ed25519' }), input(grant), input({ alg: '' })]
  const outcomes = await Promise.all(inputs.map(redeem))
  expect(await transactionsOf(inputs)).toBe(1)
  const { prisma } = database.db
  const active = await prisma.jwksKey.findMany({ where: { state: 'active' } })
  for (const [at, { purpose, alg, jti }] of inputs.entries()) {
    const kid = active.find((key) => key.purpose === purpose && key.alg === alg)?.kid ?? ''
    expect(outcomes[at]).toMatchObject({ kind: 'redeemed', kid })
    const actions = (await prisma.auditLog.findMany({ where: { subject: jti } })).map(({ action }) => action)
    expect(actions).toEqual(alg === '' ? [] : [purpose === 'grant' ? 'grant.issue' : 'token.issue'])
  }
})

it('redeemer stores texts with special characters unchanged', async () => {
  const texts = ['NULL', '"', '\\', 'a","b', '{}', "'", ',']
  const inputs = texts.map((text) => input({ requestId: text, actor: `agent:${text}` }))
  const outcomes = await Promise.all(inputs.map(redeem))
  expect(outcomes.map(({ kind }) => kind)).toEqual(texts.map(() => 'redeemed'))
  for (const { jti, requestId, actor } of inputs) {
    expect(await database.db.prisma.auditLog.findMany({ where: { subject: jti } })).toMatchObject([
      { requestId, actor },
    ])
  }
})

it('redeemer divides 300 redemptions into several statements', async () => {
  const inputs = Array.from({ length: 300 }, () => input())
  const outcomes = await Promise.all(inputs.map(redeem))
  expect(outcomes.filter(({ kind }) => kind === 'redeemed')).toHaveLength(300)
  expect(await transactionsOf(inputs)).toBeGreaterThan(1)
})

it.each([
  ['none has a DPoP proof', ''],
  ['one has a DPoP proof', 'proof'],
])('redeemer returns the outcome of each redemption, and writes only the redeemed, when %s', async (_, dpopId) => {
  const used = input()
  await redeem(used)
  const all: [string, RedeemInput][] = [
    ['redeemed', input({ dpopId, dpopKeepUntil: nowS() + 60 })],
    ['used', { ...used, jti: randomUUID() }],
    ['expired', input({ challengeExp: nowS() - 1 })],
    ['void', input({ challengeKeyId: 'gone' })],
    ['stale', input({ agentVersion: 2 })],
    ['stale', input({ operatorVersion: 2 })],
    ['stale', input({ publicKey: new Uint8Array(32) })],
    ['stale', input({ operatorId: randomUUID() })],
    ['stale', input({ agentId: randomUUID() })],
    ['redeemed', input()],
  ]
  const outcomes = await Promise.all(all.map(([, one]) => redeem(one)))
  expect(outcomes.map(({ kind }) => kind)).toEqual(all.map(([kind]) => kind))
  expect(outcomes[0]).toMatchObject({ epoch: EPOCHS, kid: expect.any(String) })
  const jtis = all.map(([, { jti }]) => jti)
  const redeemed = all.filter(([kind]) => kind === 'redeemed').map(([, { jti }]) => jti)
  const rows = await database.db.prisma.redemption.findMany({ where: { jti: { in: jtis } } })
  expect(rows.map(({ jti }) => jti).toSorted()).toEqual(redeemed.toSorted())
  const lines = await database.db.prisma.auditLog.findMany({ where: { subject: { in: jtis } } })
  expect(lines.map(({ subject }) => subject).toSorted()).toEqual(redeemed.toSorted())
})

it('redeemer redeems a challenge once when one statement contains it twice', async () => {
  const one = input()
  const both = [one, { ...one, jti: randomUUID() }]
  const outcomes = await Promise.all(both.map(redeem))
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['redeemed', 'used'])
  const winner = both[outcomes.findIndex(({ kind }) => kind === 'redeemed')]
  const rows = await database.db.prisma.redemption.findMany({ where: { challengeId: one.challengeId } })
  expect(rows.map(({ jti }) => jti)).toEqual([winner?.jti])
})

it('redeemer returns keyless when no key of the algorithm is active', async () => {
  await database.db.prisma.jwksKey.updateMany({ where: { alg: 'ES256', state: 'active' }, data: { state: 'retiring' } })
  const [one, other] = await Promise.all([redeem(input({ alg: 'ES256' })), redeem(input())])
  expect([one?.kind, other?.kind]).toEqual(['keyless', 'redeemed'])
})

describe('redeemer', () => {
  it('redeems later challenges while a statement waits for another redemption of the same challenge', async () => {
    const kinds = await whileTheyWait({ count: 3 }, async (isOver) => {
      expect((await redeem(input())).kind).toBe('redeemed')
      expect(isOver()).toBe(false)
    })
    expect(kinds).toEqual(['used', 'redeemed', 'redeemed'])
  })

  it('delays smaller batches while a statement is running and not late, then sends them together', async () => {
    neverLate()
    const few = [input(), input()]
    const redeemed: Promise<unknown>[] = []
    await whileTheyWait({ count: 3 }, async () => {
      for (const one of few) {
        redeemed.push(redeem(one))
        await new Promise(setImmediate)
      }
    })
    await Promise.all(redeemed)
    expect(await transactionsOf(few)).toBe(1)
  })

  it('sends a batch that is as large as the running statement without waiting for that statement', async () => {
    neverLate()
    await whileTheyWait({ count: 3 }, async (isOver) => {
      await Promise.all([input(), input(), input()].map(redeem))
      expect(isOver()).toBe(false)
    })
  })

  it('sends a batch of twelve without waiting for a larger running statement', async () => {
    neverLate()
    await whileTheyWait({ count: 24, every: 12 }, async (isOver) => {
      await Promise.all(Array.from({ length: 12 }, () => redeem(input())))
      expect(isOver()).toBe(false)
    })
  })

  it('delays a batch that is smaller than an equal share while very many redemptions are running', async () => {
    neverLate()
    const share = Array.from({ length: 24 }, () => input())
    // The first four statements have twelve redemptions each. The next has the other sixty and waits like the first.
    await whileTheyWait({ count: 108, every: 54 }, async (isOver, asked) => {
      await Promise.all(asked.slice(12, 48))
      const half = share.slice(0, 12).map(redeem)
      await new Promise(setImmediate)
      await Promise.all([...half, ...share.slice(12).map(redeem)])
      expect(isOver()).toBe(false)
    })
    expect(await transactionsOf(share)).toBe(1)
  })

  it('sends the redemptions beyond the maximum of one statement in a second statement at the same time', async () => {
    neverLate()
    await whileTheyWait({ count: 256 }, async (isOver, asked) => {
      await Promise.all(asked.slice(128))
      expect(isOver()).toBe(false)
    })
  })
})

it('redeemer rejects all redemptions of a failed statement, and redeems the next', async () => {
  const failed = await Promise.allSettled([redeem(input()), redeem(input({ agentId: 'no id' }))])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect((await redeem(input())).kind).toBe('redeemed')
})

it('a redemption is stale if its versions were read on another timeline, and the redeemer learns the timeline', async () => {
  const timeline = { current: 7 }
  const redeemOn = createRedeemer(database.db.pool, timeline)
  const decided = input({ timeline: 7 })
  expect(await redeemOn(decided)).toEqual({ kind: 'stale' })
  const now = await readTimeline(database.db.pool)
  expect(timeline).toEqual(now)
  expect(await redeemOn({ ...decided, timeline: now.current })).toMatchObject({ kind: 'redeemed' })
})
