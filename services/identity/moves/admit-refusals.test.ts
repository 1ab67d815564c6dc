import { afterAll, beforeEach, describe, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { newKey, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import { askToMove, didUnder, movesFixture, type TestAgent } from '../../../test/support/agent-moves.ts'
import { RECOVERY_DELAY_MS } from '../../../test/support/identity.ts'

const fixture = await movesFixture()
const { identity, acme, other, third, moves, now, waitOut, setStatus, freeze, expectRefusal } = fixture
let next: TestKey
let agent: TestAgent

const calls = agentCalls(identity, acme)
const released = (target = other) => fixture.release(agent, target, next)

afterAll(() => fixture.drop())
beforeEach(async () => {
  ;({ next, agent } = await fixture.registerCommitted())
})

describe('admitAgent refuses', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['an agent that moves nowhere', async () => {}, 'NOTHING_PENDING'],
    ['an agent that moves to another operator', () => released(third), 'NOTHING_PENDING'],
    [
      'an agent that moves to another server',
      async () => {
        await askToMove(agent, other, { issuer: 'https://auth.example', key: next })
        waitOut()
      },
      'NOTHING_PENDING',
    ],
    [
      'an agent whose log has moved on',
      async () => {
        await released()
        await agent.append(agent.key, { type: 'rotate', key: next })
      },
      'NOTHING_PENDING',
    ],
    [
      'an agent whose operator has objected',
      async () => {
        await askToMove(agent, other, { key: next })
        await moves.object(acme, agent.did)
        waitOut()
      },
      'NOTHING_PENDING',
    ],
    [
      'a suspended agent that its operator has not released, whatever time has passed',
      async () => {
        await askToMove(agent, other, { key: next })
        waitOut()
        await calls.suspend(agent.did)
      },
      'MOVE_NOT_RELEASED',
    ],
    [
      'an agent that was suspended in the millisecond of its release',
      async () => {
        await released()
        await calls.suspend(agent.did)
      },
      'MOVE_NOT_RELEASED',
    ],
    [
      'an agent that was suspended after its release',
      async () => {
        await released()
        fixture.clock.now += 1
        await calls.suspend(agent.did)
      },
      'MOVE_NOT_RELEASED',
    ],
    [
      'an agent of a frozen operator that has not released it, whatever time has passed',
      async () => {
        await askToMove(agent, other, { key: next })
        waitOut()
        await freeze(acme, new Date(now()))
      },
      'MOVE_NOT_RELEASED',
    ],
    [
      'an agent of an operator that the administrator has suspended',
      async () => {
        await released()
        await setStatus(acme, 'suspended')
      },
      'AGENT_OPERATOR_NOT_ACTIVE',
    ],
    [
      'an agent whose recovery waits',
      async () => {
        await released()
        await agent.recover(acme, await agent.sign(next, { type: 'recover' }))
      },
      'RECOVERY_PENDING',
    ],
    [
      'an agent whose recovery is due',
      async () => {
        await released()
        await agent.recover(acme, await agent.sign(next, { type: 'recover' }))
        fixture.clock.now += RECOVERY_DELAY_MS
      },
      'NOTHING_PENDING',
    ],
    [
      'a revoked agent',
      async () => {
        await released()
        await calls.revoke(agent.did)
      },
      'AGENT_REVOKED',
    ],
    [
      'an agent that it has admitted',
      async () => {
        await released()
        await moves.admit(other, agent.did)
      },
      'AGENT_EXISTS',
    ],
    [
      'an agent whose key is already registered here',
      async () => {
        await registerWithLog(fixture.identity, other, now, { key: agent.key })
        await released()
      },
      'AGENT_EXISTS',
    ],
  ])('%s', async (_name, prepare, reason) => {
    await prepare()
    await expectRefusal(() => moves.admit(other, agent.did), reason)
    await setStatus(acme, 'active')
    await freeze(acme, null)
  })

  it.each<[string, () => string, string]>([
    ['an unknown DID', () => didUnder(acme, newKey()), 'AGENT_NOT_FOUND'],
    [
      'a DID of a domain without an operator',
      () => didUnder({ ...acme, domain: 'x.example' }, agent.key),
      'AGENT_NOT_FOUND',
    ],
    ['a text that is no DID', () => 'did:web:acme.example', 'INVALID_DID'],
    ['a request without agent', () => '', 'INVALID_ARGUMENT'],
  ])('%s', async (_name, did, reason) => {
    await expectRefusal(() => moves.admit(other, did()), reason)
  })

  it('a label that is too long', async () => {
    await released()
    await expectRefusal(() => moves.admit(other, agent.did, 'x'.repeat(101)), 'INVALID_ARGUMENT')
  })

  it('an agent that another operator has admitted', async () => {
    await released()
    await moves.admit(other, agent.did)
    await expectRefusal(() => moves.admit(third, agent.did), 'AGENT_MOVED')
  })

  it('every operator that is not active', async () => {
    await released()
    for (const status of ['lapsed', 'suspended'] as const) {
      await setStatus(other, status)
      await expectRefusal(() => moves.admit(other, agent.did), 'OPERATOR_NOT_ACTIVE')
    }
    await setStatus(other, 'active')
  })
})
