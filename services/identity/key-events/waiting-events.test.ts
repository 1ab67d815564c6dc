import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { newKey, registerWithLog } from '../../../test/support/agent-log.ts'
import { askToMove, movesFixture, type TestAgent } from '../../../test/support/agent-moves.ts'
import { IDENTITY_SETTINGS, startIdentity, TEST_ISSUER } from '../../../test/support/identity.ts'

type Logged = readonly [object, string]

let counts: object
let logged: Logged[]
let agent: TestAgent
const safe = newKey()

const fixture = await movesFixture()
const { acme, other, moves, clock, now } = fixture
const identity = startIdentity({
  db: fixture.db,
  now,
  operators: fixture.operators,
  log: { debug() {}, info() {}, error() {}, warn: (fields, message) => void logged.push([fields, message]) },
  metrics: {
    accepted() {},
    waiting(waiting) {
      counts = waiting
    },
  },
})
const pass = (ms: number) => {
  clock.now += ms
}
const recover = async () => agent.recover(acme, await agent.sign(safe, { type: 'recover' }))

afterAll(() => fixture.drop())
beforeEach(async () => {
  await fixture.db.prisma.agentPendingEvent.deleteMany()
  logged = []
  agent = await registerWithLog(identity, acme, now)
})

/** Registers an agent that has committed to a key. */
async function commit(): Promise<void> {
  agent = await registerWithLog(identity, acme, now, { next: safe.kid })
}

interface Case {
  readonly name: string
  readonly begin: () => Promise<unknown>
  readonly end: () => Promise<unknown> | void
  readonly waiting: object
}

const ONE_RECOVERY = { recover: 1, move: 0 }
const ONE_MOVE = { recover: 0, move: 1 }
const move = () => askToMove(agent, other)
const beginRecovery = async () => {
  await commit()
  await recover()
}
const revoke = () => agentCalls(identity, acme).revoke(agent.did)

describe('the scheduled work', () => {
  it.each<Case>([
    {
      name: 'a recovery until the current key objects',
      begin: beginRecovery,
      end: async () => agent.object(agent.key, (await agent.list()).pending?.[0]?.digest ?? ''),
      waiting: ONE_RECOVERY,
    },
    {
      name: 'a recovery until it takes effect',
      begin: beginRecovery,
      end: () => pass(IDENTITY_SETTINGS.recoveryDelayMs),
      waiting: ONE_RECOVERY,
    },
    { name: 'a recovery until the agent is revoked', begin: beginRecovery, end: revoke, waiting: ONE_RECOVERY },
    {
      name: 'a move until the agent is released',
      begin: move,
      end: async () => {
        pass(1000)
        await moves.release(acme, await move())
      },
      waiting: ONE_MOVE,
    },
    {
      name: 'a move until the operator objects',
      begin: move,
      end: () => moves.object(acme, agent.did),
      waiting: ONE_MOVE,
    },
    {
      name: 'a move elsewhere until its delay passed',
      begin: () => askToMove(agent, other, { issuer: 'https://elsewhere.example' }),
      end: () => pass(IDENTITY_SETTINGS.moveDelayMs),
      waiting: ONE_MOVE,
    },
    { name: 'a move until the agent is revoked', begin: move, end: revoke, waiting: ONE_MOVE },
  ])('counts $name', async ({ begin, end, waiting }) => {
    await begin()
    await identity.runSchedule()
    expect(counts).toEqual(waiting)
    await end()
    await identity.runSchedule()
    expect(counts).toEqual({ recover: 0, move: 0 })
  })
})

it('the scheduled work counts every event when there are too many to look at, so that none is hidden', async () => {
  await revoke()
  const { id } = await fixture.db.prisma.agent.findFirstOrThrow({ where: { did: agent.did } })
  const fill = (from: number, to: number) =>
    fixture.db.prisma.$transaction(async (tx) => {
      // The rows of agents that do not exist would not be counted at all.
      await tx.$executeRaw`SET LOCAL session_replication_role = replica`
      await tx.$executeRaw`INSERT INTO agents (id, operator_id, did, status, allowed_scopes)
      SELECT md5(n::text)::uuid, operator_id, 'did:agent:gone:' || n, 'revoked', '{}'
      FROM agents, generate_series(${from}::integer, ${to}::integer) n WHERE id = ${id}::uuid`
      await tx.$executeRaw`INSERT INTO agent_pending_events (agent_id, type, event, digest, requested_at, effective_at)
      SELECT md5(n::text)::uuid, 'recover', '', '', now(), ${new Date(now() + 60_000)}::timestamptz
      FROM generate_series(${from}::integer, ${to}::integer) n`
    })
  await fill(1, 999)
  await identity.runSchedule()
  expect(counts).toEqual({ recover: 0, move: 0 })
  await fill(1000, 1001)
  await identity.runSchedule()
  expect(counts).toEqual({ recover: 1000, move: 0 })
})

describe('the log', () => {
  it('names agent, operator and time of a recovery that begins, once', async () => {
    await commit()
    const event = await agent.sign(safe, { type: 'recover' })
    const begin = () => agent.recover(acme, event)
    await begin()
    await begin()
    const effectiveAt = new Date(now() + IDENTITY_SETTINGS.recoveryDelayMs)
    expect(logged).toEqual([[{ ...facts(), effectiveAt }, 'the recovery of an agent begins']])
  })

  it('names agent, operator, time and new DID of a move that begins, once', async () => {
    const to = agent.did.replace('acme.example', 'other.example')
    const event = await agent.sign(agent.key, { type: 'move', to, operatorId: other.id, issuer: TEST_ISSUER })
    await agent.send(event)
    await agent.send(event)
    const effectiveAt = new Date(now() + IDENTITY_SETTINGS.moveDelayMs)
    expect(logged).toEqual([[{ ...facts(), effectiveAt, to }, 'the move of an agent begins']])
  })
})

const facts = () => ({ did: agent.did, operatorId: acme.id, requestId: 'request-1' })
