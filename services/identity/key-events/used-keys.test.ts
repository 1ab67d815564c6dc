import type { KeyChange } from '@auth4agent/core/key-events/sign-key-event'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newKey, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import {
  type IdentityFixture,
  identityFixture,
  RECOVERY_DELAY_MS,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { parseStored, readKeyLog } from './read-key-log.ts'
import { insertWaiting } from './waiting-events.ts'

let fixture: IdentityFixture
let operator: TestOperator
let agent: Awaited<ReturnType<typeof registerWithLog>>
/** The identity keys of the agent, one after the other. The last one has only been committed to. */
let first: TestKey
let second: TestKey
let current: TestKey
let committed: TestKey

const now = () => fixture.clock.now

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  fixture.clock.now += 1_000
  ;[second, current, committed] = [newKey(), newKey(), newKey()]
  agent = await registerWithLog(fixture.identity, operator, now)
  first = agent.key
  await agent.append(first, { type: 'rotate', key: second })
  await agent.append(second, { type: 'rotate', key: current })
})

/** Makes the agent commit to a key, together with another identity key. */
async function commit(): Promise<void> {
  const signer = current
  current = newKey()
  await agent.append(signer, { type: 'rotate', key: current, next: committed.kid })
}
const read = (event?: string) =>
  readKeyLog(fixture.db.prisma, operator.id, { did: agent.did }, event === undefined ? undefined : parseStored(event))

describe('a key that was the identity key before', () => {
  it.each<[string, () => KeyChange]>([
    ['becomes no identity key again', () => ({ type: 'rotate', key: first })],
    ['is nothing to commit to', () => ({ type: 'rotate', key: newKey(), next: second.kid })],
    [
      'becomes no added key',
      () => ({ type: 'add-key', key: first, label: 'old', exp: Math.floor(now() / 1_000) + 60 }),
    ],
  ])('%s', async (_, change) => {
    const event = await agent.sign(current, change())
    expect(await refusalOf(agent.send(event))).toBe('KEY_REUSED')
    expect(await agent.state()).toMatchObject({ seq: 2, kid: current.kid, addedKeys: [] })
  })

  it('is nothing to which a recovery commits', async () => {
    await commit()
    const event = await agent.sign(committed, { type: 'recover', next: first.kid })
    expect(await refusalOf(agent.recover(operator, event))).toBe('KEY_REUSED')
  })

  it('is nothing to which a recovery commits that the database has kept', async () => {
    await commit()
    const event = parseStored(await agent.sign(committed, { type: 'recover', next: first.kid }))
    const times = { requestedAt: new Date(now()), effectiveAt: new Date(now() + RECOVERY_DELAY_MS) }
    await fixture.db.prisma.$transaction((tx) => insertWaiting(tx, agent.id, 'recover', event, times))
    fixture.clock.now += RECOVERY_DELAY_MS
    await fixture.identity.runSchedule()
    expect(await agent.state()).toMatchObject({ seq: 3, kid: current.kid })
  })
})

describe('readKeyLog', () => {
  it('reads of the used keys only those that an event names', async () => {
    const event = await agent.sign(current, { type: 'rotate', key: newKey(), next: second.kid })
    expect((await read(event)).state.usedKids).toEqual(new Set([second.kid]))
    expect((await read()).state.usedKids).toEqual(new Set())
  })

  it('reads all used keys while a recovery waits', async () => {
    const third = current
    await commit()
    await agent.recover(operator, await agent.sign(committed, { type: 'recover' }))
    expect((await read()).state.usedKids).toEqual(new Set([first.kid, second.kid, third.kid, current.kid]))
  })
})
