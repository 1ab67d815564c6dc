import { create } from '@bufbuild/protobuf'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { AdmitAgentRequestSchema } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { type TestKey } from '../../../test/support/agent-log.ts'
import { askToMove, movesFixture, type TestAgent } from '../../../test/support/agent-moves.ts'
import { asOperator, startIdentity } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const fixture = await movesFixture()
const { db, acme, other, moves, now, row, waitOut, freeze } = fixture
const { prisma } = db
let next: TestKey
let agent: TestAgent

const released = (target = other) => fixture.release(agent, target, next)

afterAll(() => fixture.drop())
beforeEach(async () => {
  ;({ next, agent } = await fixture.registerCommitted())
})

describe('admissions at the same time', () => {
  it('make exactly one new agent', async () => {
    const { to } = await released()
    const answers = await Promise.all(Array.from({ length: 8 }, () => refusalOf(moves.admit(other, agent.did))))
    expect(answers.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(new Set(answers.filter((reason) => reason !== undefined))).toEqual(new Set(['AGENT_EXISTS']))
    expect(await prisma.agent.count({ where: { did: to } })).toBe(1)
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

  it('see that the operator was frozen after they looked it up', async () => {
    await askToMove(agent, other, { key: next })
    waitOut()
    const slow = startIdentity({
      db,
      now,
      operators: {
        ...fixture.operators,
        async lookupOperator(request, cause) {
          const answer = await fixture.operators.lookupOperator(request, cause)
          await freeze(acme, new Date(now()))
          return answer
        },
      },
    })
    const request = create(AdmitAgentRequestSchema, { operatorId: other.id, did: agent.did })
    const admitted = slow.moves.handlers.admitAgent(request, asOperator(other))
    expect(await refusalOf(Promise.resolve(admitted))).toBe('MOVE_NOT_RELEASED')
    await freeze(acme, null)
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
