import { afterAll, describe, expect, it } from 'vitest'
import { startInstance } from '../../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { startChainParties } from '../../../test/support/chain-parties.ts'
import { silentLog } from '../../../test/support/database.ts'
import { ACCEPT, chainThrough, handOn, insertGrantKey, lastId, rootFor } from '../../../test/support/held-chains.ts'
import { asOperator } from '../../../test/support/identity.ts'
import { openDb } from '../../platform/db/db.ts'
import { toApiError } from '../../platform/errors/api-error.ts'

const { database, instance, key, acme, agents, at, verify } = await startChainParties()
afterAll(() => database.drop())

const revokeById = (by: TestHolder | undefined, text: string) =>
  instance.revoke({ jti: lastId(text) }, asOperator({ ...acme, id: by?.operatorId ?? '' }))

describe('a chain of three holders is not valid', () => {
  const { agent, operator } = { agent: () => database.db.prisma.agent, operator: () => database.db.prisma.operator }
  const raise = { epoch: { increment: 1 } }
  const ends: [string, number, string, (own: readonly TestHolder[], text: string) => Promise<unknown>][] = [
    [
      'AGENT_TOKENS_ENDED',
      0,
      'the epoch of the first agent rises',
      ([a]) => agent().update({ where: { id: a?.id ?? '' }, data: raise }),
    ],
    [
      'AGENT_TOKENS_ENDED',
      1,
      'the epoch of the middle agent rises',
      ([, b]) => agent().update({ where: { id: b?.id ?? '' }, data: raise }),
    ],
    [
      'AGENT_TOKENS_ENDED',
      2,
      'the epoch of the last agent rises',
      ([, , c]) => agent().update({ where: { id: c?.id ?? '' }, data: raise }),
    ],
    [
      'OPERATOR_TOKENS_ENDED',
      1,
      "the epoch of the middle agent's operator rises",
      ([, b]) => operator().update({ where: { id: b?.operatorId ?? '' }, data: raise }),
    ],
    [
      'AGENT_TOKENS_ENDED',
      1,
      'the middle agent is gone',
      ([, b]) => agent().update({ where: { id: b?.id ?? '' }, data: { did: `${b?.did}x` } }),
    ],
    ['TOKEN_REVOKED', 0, 'the root is revoked', ([a], text) => revokeById(a, text.split('~')[0] ?? '')],
    [
      'TOKEN_REVOKED',
      2,
      'the last grant is revoked by the operator of its holder',
      ([, , c], text) => revokeById(c, text),
    ],
    [
      'TOKEN_REVOKED',
      2,
      'the last grant is revoked by the operator of a holder above',
      ([, b], text) => revokeById(b, text),
    ],
  ]

  it.each(ends)('and the answer is %s for grant %i, when %s', async (reason, hop, _, end) => {
    const operators = await Promise.all([1, 2, 3].map(() => freshOperator(database.db)))
    const own = await Promise.all(operators.map((each) => insertAgent(database.db, each)))
    const text = await chainThrough(key, own)
    expect(await verify(text)).toMatchObject({ valid: true })
    await end(own, text)
    const answer = await verify(text)
    expect(answer).toMatchObject({ valid: false, revoked: true, reason, hop })
    expect(answer.delegation).toBeUndefined()
    const [first] = own
    const late = await handOn(key, text, own[2] ?? at(0), first ?? at(0))
    expect(await verify(late), 'a grant derived afterwards').toMatchObject({ valid: false, reason, hop })
  })

  it('but the record of an operator outside the chain ends nothing', async () => {
    const stranger = await freshOperator(database.db)
    const text = await chainThrough(key, agents)
    await instance.revoke({ jti: lastId(text) }, asOperator(stranger))
    expect(await verify(text)).toMatchObject({ valid: true })
  })

  it('but a grant above a revoked one stays valid, and so do its other children', async () => {
    const above = await chainThrough(key, agents.slice(0, 2))
    const [one, other] = [await handOn(key, above, at(1), at(2)), await handOn(key, above, at(1), at(2))]
    await instance.revoke({ jti: lastId(one) }, asOperator(acme))
    expect(await verify(one)).toMatchObject({ reason: 'TOKEN_REVOKED', hop: 2 })
    for (const text of [above, other]) expect(await verify(text)).toMatchObject({ valid: true })
  })

  it.each(['compromised', 'retired'] as const)(
    'and the answer is UNKNOWN_KEY, when the key of a statement is %s',
    async (state) => {
      const old = await insertGrantKey(database.db)
      instance.clock.monotonicOffsetMs += 11_000
      const text = await handOn(old, await rootFor(key, at(0)), at(0), at(2))
      expect(await verify(text)).toMatchObject({ valid: true })
      await database.db.prisma.jwksKey.update({ where: { kid: old.kid }, data: { state } })
      expect(await verify(text)).toMatchObject({ valid: false, revoked: false, reason: 'UNKNOWN_KEY', hop: 1 })
    },
  )

  it('and the call answers UNAVAILABLE, when the database is unreachable', async () => {
    const text = await chainThrough(key, agents)
    const statusDb = openDb({ url: 'postgresql://nobody@127.0.0.1:1/none', poolSize: 1, log: silentLog })
    const other = await startInstance(database.db, { statusDb })
    const failure = await other.verify(text, ACCEPT).catch((error: unknown) => toApiError(error).reason)
    expect(failure).toBe('UNAVAILABLE')
    await statusDb.close()
  })
})
