import { afterAll, describe, expect, it } from 'vitest'
import { authnState, freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { startChainInstance } from '../../../test/support/chain-parties.ts'
import { chainThrough, insertGrantKey, lastId, rootFor } from '../../../test/support/held-chains.ts'
import { anonymous, asOperator, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const { database, instance, key, verify } = await startChainInstance({ maxTokenRecords: 3 })
let operators: readonly TestOperator[]
let agents: readonly TestHolder[]
let chain: string

afterAll(() => database.drop())

/** Each test gets operators of its own, because the test for the maximum of records fills it. */
const begin = async () => {
  operators = await Promise.all([0, 1, 2].map(() => freshOperator(database.db)))
  agents = await Promise.all(operators.map((operator) => insertAgent(database.db, operator)))
  chain = await chainThrough(key, agents)
}
function at<T>(list: readonly T[], place: number): T {
  const item = list[place]
  if (item === undefined) throw new RangeError(`There is no item ${place}`)
  return item
}
const operator = (place: number) => at(operators, place)
const holder = (place: number) => at(agents, place)
const audit = (subject: string) => database.db.prisma.auditLog.findMany({ where: { subject } })

describe('revokeToken with a chain', () => {
  it.each([0, 1, 2])(
    'ends the last grant for the operator of holder %i, in the log of that operator',
    async (place) => {
      await begin()
      const id = lastId(chain)
      const by = operator(place)
      const answer = await instance.revoke({ token: chain, reason: 'leaked' }, asOperator(by))
      expect(answer).toMatchObject({ jti: id, endedOperatorId: '' })
      expect(await verify(chain)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED', hop: 2 })
      expect(await verify(chain.slice(0, chain.lastIndexOf('~')))).toMatchObject({ valid: true })
      expect(await audit(id)).toMatchObject([{ operatorId: by.id, action: 'grant.revoke', reason: 'leaked' }])
      const again = await instance.revoke({ token: chain }, asOperator(by))
      expect(again.revokedAt).toEqual(answer.revokedAt)
      expect(await audit(id)).toHaveLength(1)
    },
  )

  it('keeps the record until five minutes after the grant expires', async () => {
    await begin()
    const root = await rootFor(key, holder(0), { lifetime: [0, 120] })
    await instance.revoke({ token: root }, asOperator(operator(0)))
    const { expiresAt } = await database.db.prisma.revokedToken.findFirstOrThrow({ where: { jti: lastId(root) } })
    expect(Math.abs(expiresAt.getTime() - Date.now() - 420_000)).toBeLessThan(30_000)
  })

  const refused: [string, string, () => Promise<unknown>][] = [
    ['UNAUTHENTICATED', 'nobody, who only holds it', async () => instance.revoke({ token: chain }, anonymous())],
    [
      'PERMISSION_DENIED',
      'another operator',
      async () => instance.revoke({ token: chain }, asOperator(await freshOperator(database.db))),
    ],
    [
      'TOKEN_NOT_OURS',
      'an operator, but with another end',
      async () => instance.revoke({ token: `${chain}x` }, asOperator(operator(0))),
    ],
    [
      'TOKEN_NOT_OURS',
      'an operator, but of a root of another key',
      async () => {
        const stranger = { ...key, signer: (await insertGrantKey(database.db, 'introspection')).signer }
        return instance.revoke({ token: await chainThrough(stranger, agents) }, asOperator(operator(0)))
      },
    ],
  ]
  it.each(refused)('answers %s to %s, and ends nothing', async (reason, _, call) => {
    await begin()
    const { revoked, audit: records } = (await authnState(database.db)) as { revoked: unknown; audit: unknown }
    expect(await refusalOf(call())).toBe(reason)
    expect(await authnState(database.db)).toMatchObject({ revoked, audit: records })
    expect(await verify(chain)).toMatchObject({ valid: true })
  })

  it('writes no record for a chain that has expired everywhere', async () => {
    await begin()
    const old = await rootFor(key, holder(0), { lifetime: [-900, -400] })
    await instance.revoke({ token: old }, asOperator(operator(0)))
    expect(await database.db.prisma.revokedToken.findFirst({ where: { jti: lastId(old) } })).toBeNull()
  })
})

describe('the maximum of records', () => {
  it('is the maximum of the operator that revokes, and never ends the tokens of another operator', async () => {
    await begin()
    const chains: string[] = []
    for (let count = 0; count < 4; count += 1) chains.push(await chainThrough(key, agents.slice(0, 2)))
    const own = await chainThrough(key, agents.slice(1, 2))
    const ended: string[] = []
    for (const token of chains) {
      const { endedOperatorId = '' } = await instance.revoke({ token }, asOperator(operator(0)))
      ended.push(endedOperatorId)
    }
    expect(ended).toEqual(['', '', '', operator(0).id])
    expect(await verify(own)).toMatchObject({ valid: true })
    for (const text of chains)
      expect(await verify(text)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED', hop: 0 })
  })
})

describe('/oauth/revoke with a chain', () => {
  it.each([0, 1, 2])('ends the last grant for holder %i', async (place) => {
    await begin()
    const client = holder(place)
    await instance.revokeOwn(client, chain)
    expect(await verify(chain)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED', hop: 2 })
    expect(await audit(lastId(chain))).toMatchObject([
      { operatorId: client.operatorId, actor: `agent:${client.did}`, action: 'grant.revoke' },
    ])
  })

  it('does nothing for an agent of the same operator that holds no grant, and for a text that is no chain', async () => {
    await begin()
    const other = await insertAgent(database.db, operator(0))
    await instance.revokeOwn(other, chain)
    await instance.revokeOwn(holder(0), `${chain}x`)
    expect(await verify(chain)).toMatchObject({ valid: true })
    expect(await audit(lastId(chain))).toEqual([])
  })
})
