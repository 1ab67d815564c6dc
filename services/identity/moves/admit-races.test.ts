import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newKey, type TestKey } from '../../../test/support/agent-log.ts'
import {
  type AskedMove,
  askToMove,
  type MovesFixture,
  movesFixture,
  type TestAgent,
} from '../../../test/support/agent-moves.ts'
import { type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let fixture: MovesFixture
let acme: TestOperator
let other: TestOperator
let moves: MovesFixture['moves']
let next: TestKey
let agent: TestAgent

const prisma = () => fixture.db.prisma
const register: MovesFixture['register'] = (options) => fixture.register(options)
const row = (operatorId: string, did: string) =>
  prisma().agent.findUniqueOrThrow({ where: { operatorId_did: { operatorId, did } } })
const waitOut = () => fixture.waitOut()

beforeAll(async () => {
  fixture = await movesFixture()
  ;({ acme, other, moves } = fixture)
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  fixture.clock.now += 1000
  next = newKey()
  agent = await register({ next: next.kid })
})

const released = async (target = other): Promise<AskedMove> => {
  const move = await askToMove(agent, target, { key: next })
  await moves.release(acme, move)
  return move
}

describe('admissions at the same time', () => {
  it('make exactly one new agent', async () => {
    const { to } = await released()
    const answers = await Promise.all(Array.from({ length: 8 }, () => refusalOf(moves.admit(other, agent.did))))
    expect(answers.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(new Set(answers.filter((reason) => reason !== undefined))).toEqual(new Set(['AGENT_EXISTS']))
    expect(await prisma().agent.count({ where: { did: to } })).toBe(1)
  })

  it('leave either the objection or the admission without effect', async () => {
    await askToMove(agent, other, { key: next })
    waitOut()
    const [admitted, objected] = await Promise.all([
      refusalOf(moves.admit(other, agent.did)),
      refusalOf(moves.object(acme, agent.did)),
    ])
    const { status } = await row(acme.id, agent.did)
    if (admitted === undefined) expect({ status, objected }).toEqual({ status: 'revoked', objected: 'AGENT_MOVED' })
    else
      expect({ status, admitted, objected }).toEqual({
        status: 'active',
        admitted: 'NOTHING_PENDING',
        objected: undefined,
      })
  })

  it('leave either the move or a rotation without effect', async () => {
    await released()
    const rotation = await agent.sign(agent.key, { type: 'rotate', key: next })
    const [admitted, rotated] = await Promise.all([
      refusalOf(moves.admit(other, agent.did)),
      refusalOf(agent.send(rotation)),
    ])
    expect([admitted, rotated].filter((reason) => reason === undefined)).toHaveLength(1)
    expect([admitted ?? rotated]).toEqual([admitted === undefined ? 'AGENT_MOVED' : 'NOTHING_PENDING'])
  })
})
