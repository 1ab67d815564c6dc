import { afterAll, describe, expect, it } from 'vitest'
import { bearer } from '../../test/support/assertions.ts'
import { testDatabase } from '../../test/support/database.ts'
import { PARTIES, pipelineFixture } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { change } from '../ledger/ledger.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Principal } from './call.ts'
import { fieldsOf } from './checks.ts'
import { type CallTurns, createTurns, type Lane, laneOf, type Waiting } from './turns.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())
const { own, foreign } = PARTIES

const anonymous: Principal = { kind: 'anonymous' }
const agentOf = (operatorId: string): Principal => ({ kind: 'agent', did: 'did:agent:example.com:0', operatorId })
const agent = agentOf(own.iss)

describe('laneOf', () => {
  const change = { action: 'agent.update', limit: 'manage' } as const
  it.each<[string, Parameters<typeof laneOf>[0], Principal, Lane | undefined]>([
    ['a change', change, agent, 'change'],
    ['a change without authentication', { ...change, limit: 'register' }, anonymous, 'change'],
    ['an urgent change', { ...change, urgent: true }, agent, 'urgent'],
    ['an urgent change without authentication', { ...change, urgent: true }, anonymous, 'urgent'],
    ['a read for an operator', { limit: 'read' }, agent, 'read'],
    ['a read without authentication', { limit: 'read' }, anonymous, 'public-read'],
    ['a graph without authentication', { limit: 'graph' }, anonymous, undefined],
    ['a read from memory', { limit: 'read', fromMemory: true }, anonymous, undefined],
    ['a call that waits for events', { limit: 'watch', takesEvents: true }, agent, undefined],
    ['a challenge', { limit: 'challenge' }, anonymous, undefined],
    ['a token', { limit: 'token' }, anonymous, undefined],
    ['a verification', { limit: 'verify' }, anonymous, undefined],
    ['an introspection', { limit: 'introspect' }, anonymous, undefined],
  ])('gives %s its lane', (_, line, principal, lane) => {
    expect(laneOf(line, principal)).toBe(lane)
  })
})

const CHANGE = { action: 'agent.update', limit: 'manage' } as const
const URGENT = { ...CHANGE, urgent: true } as const
const READ = { limit: 'read' } as const
const PLACES = { urgent: 1, change: 2, read: 3, 'public-read': 3 }
/** Lets all work begin that has its turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Starts work in turns, and records which has begun. */
function fixture(maxConcurrency = 100) {
  const turns = createTurns({ lanePlaces: PLACES, maxConcurrency })
  const begun: string[] = []
  const start = (
    name: string,
    line: Parameters<typeof laneOf>[0],
    principal: Principal,
    {
      source = '192.0.2.1',
      isOver = () => false,
      part = 'transaction',
    }: Partial<Waiting> & { readonly part?: keyof CallTurns } = {},
  ) => {
    const ending = Promise.withResolvers<void>()
    const done = turns(line, principal, { source, isOver })[part](() => {
      begun.push(name)
      return ending.promise
    })
    done.catch(() => undefined)
    return { done, end: () => ending.resolve() }
  }
  return { begun, start }
}

const gone = () => true

describe('createTurns', () => {
  it('lets one transaction of an operator begin at a time, and one of another operator meanwhile', async () => {
    const { begun, start } = fixture()
    const first = start('own 1', CHANGE, agent)
    start('own 2', CHANGE, agent)
    start('foreign', CHANGE, agentOf(foreign.iss))
    await turn()
    expect(begun).toEqual(['own 1', 'foreign'])
    first.end()
    await turn()
    expect(begun).toEqual(['own 1', 'foreign', 'own 2'])
  })

  it('gives urgent calls places of their own', async () => {
    const { begun, start } = fixture()
    start('change', CHANGE, agent)
    start('waiting', CHANGE, agent)
    start('urgent', URGENT, agent)
    await turn()
    expect(begun).toEqual(['change', 'urgent'])
  })

  it('holds no place while the handler of a change waits before its transaction', async () => {
    const { begun, start } = fixture()
    for (const name of ['1', '2', '3']) start(name, CHANGE, agent, { part: 'handler' })
    start('transaction', CHANGE, agent)
    await turn()
    expect(begun).toEqual(['1', '2', '3', 'transaction'])
  })

  it('lets the handler of a read wait, two at a time for one source address', async () => {
    const { begun, start } = fixture()
    const part = 'handler'
    for (const name of ['a1', 'a2', 'a3']) start(name, READ, anonymous, { source: '2001:db8::1', part })
    start('b1', READ, anonymous, { source: '2001:db8:0:1::1', part })
    start('operator', READ, agent, { part })
    await turn()
    expect(begun).toEqual(['a1', 'a2', 'b1', 'operator'])
  })

  it('lets an IPv6 /64 network wait as one source', async () => {
    const { begun, start } = fixture()
    for (const n of [1, 2, 3]) start(`${n}`, READ, anonymous, { source: `2001:db8::${n}`, part: 'handler' })
    await turn()
    expect(begun).toEqual(['1', '2'])
  })

  it('refuses work when too much of its caller waits, and lets others wait', async () => {
    const { begun, start } = fixture(16)
    // Half of 16 calls may wait. One caller gets another place while it has fewer than half of the free ones.
    const [first, , , , fifth] = ['1', '2', '3', '4', '5'].map((name) => start(name, URGENT, agent))
    await expect(fifth?.done).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfter: 1 })
    start('other', URGENT, agentOf(foreign.iss))
    first?.end()
    await turn()
    expect(begun).toEqual(['1', 'other'])
  })

  it('begins no work whose caller has stopped waiting, but records the refusal of such a caller', async () => {
    const { begun, start } = fixture()
    await expect(start('late', CHANGE, agent, { isOver: gone }).done).rejects.toMatchObject({
      reason: 'DEADLINE_EXCEEDED',
    })
    start('refusal', CHANGE, agent, { isOver: gone, part: 'refusal' })
    await turn()
    expect(begun).toEqual(['refusal'])
  })

  it('records refusals in the turns of changes', async () => {
    const { begun, start } = fixture()
    start('change', CHANGE, agent)
    start('refusal', READ, agent, { part: 'refusal' })
    await turn()
    expect(begun).toEqual(['change'])
  })
})

describe('the pipeline', () => {
  const rpc = 'POST /v1/x'

  it('lets the transaction of a change wait for its turn, and not its handler', async () => {
    const gates: PromiseWithResolvers<void>[] = []
    let handlers = 0
    const { call } = pipelineFixture(db, {
      policy: { action: 'agent.update', endsTokens: false },
      handler: async (_, { inTurn }) => {
        handlers += 1
        await inTurn?.(() => {
          const gate = Promise.withResolvers<void>()
          gates.push(gate)
          return gate.promise
        })
        return {}
      },
    })
    const calls = [1, 2].map(() => call(bearer(own, { claims: { rpc } })))
    await turn()
    expect([handlers, gates.length]).toEqual([2, 1])
    gates[0]?.resolve()
    await turn()
    gates[1]?.resolve()
    await Promise.all(calls)
    expect(gates).toHaveLength(2)
  })

  it('answers RATE_LIMITED, and audits nothing, when too many calls of the caller wait to record a refusal', async () => {
    const over = Promise.withResolvers<void>()
    const { call, lines } = pipelineFixture(db, {
      policy: { action: 'agent.update', endsTokens: false },
      deps: { maxConcurrency: 4 },
      handler: async (request, { inTurn }) => {
        if (fieldsOf(request)['agent'] === 'missing') throw new ApiError('AGENT_NOT_FOUND')
        await inTurn?.(() => over.promise)
        return {}
      },
    })
    const send = (name: string, requestId: string) =>
      refusalOf(call(bearer(own, { claims: { rpc } }), { requestId }, { agent: name }))
    const held = send('there', 'held')
    const waiting = send('missing', 'waiting')
    await turn()
    expect(await send('missing', 'too-many')).toBe('RATE_LIMITED')
    over.resolve()
    expect([await held, await waiting]).toEqual([undefined, 'AGENT_NOT_FOUND'])
    const audited = await db.prisma.auditLog.findMany({ select: { requestId: true } })
    expect(audited.map(({ requestId }) => requestId)).toEqual(['waiting'])
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

it('change waits for the turn of its author before it takes a connection', async () => {
  const mine = Promise.withResolvers<void>()
  const steps: string[] = []
  const author = {
    requestId: 'in-turn',
    principal: { kind: 'system' },
    inTurn: async <T>(work: () => Promise<T>) => {
      await mine.promise
      steps.push('turn')
      return work()
    },
  } as const
  const done = change(db.prisma, author, async () => void steps.push('change'))
  await db.prisma.auditLog.count()
  mine.resolve()
  await done
  expect(steps).toEqual(['turn', 'change'])
})
