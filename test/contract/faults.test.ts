import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { startTcpProxy, type TcpProxy, targetOf, urlThrough } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { faultCases, rateCases, useUp } from './cases/faults.ts'
import { sendHttp } from './support/http.ts'
import { type RefusalCase, sendCase, type Transport, titleOf, transportsOf } from './support/refusal.ts'
import { useWorld } from './support/run-cases.ts'
import type { World } from './support/world.ts'

/** The request id of all requests in this file. Snapshots leave out the audit records that have this request id. */
const REQUEST_ID = 'faults'

const runsOf = (cases: readonly RefusalCase[]) =>
  cases.flatMap((refusal) => transportsOf(refusal).map((transport) => ({ refusal, transport })))

async function send(world: World, refusal: RefusalCase, transport: Transport) {
  return sendCase(world, refusal, transport, { request: await refusal.request(world), requestId: REQUEST_ID })
}

async function tablesOf(world: World) {
  return (await world.snapshot(REQUEST_ID)).tables
}

/** How many cases are sent at once. More would wait for the processor, and not for the database. */
const AT_ONCE = 120
/** The same while calls wait until their deadlines. A late one would share the end of an earlier reading. */
const WAITING_AT_ONCE = 20
/** Over all transports there are two dozen groups of such calls, of a second and more. */
const LOCKED_MS = 300_000

/**
 * Sends all cases, many at once, and expects that the server refuses each case with its reason. Waits for `settled`
 * between them.
 */
async function expectAll(
  world: World,
  cases: readonly RefusalCase[],
  settled: () => Promise<unknown> = async () => undefined,
  atOnce = AT_ONCE,
): Promise<void> {
  const runs = runsOf(cases)
  while (runs.length > 0) {
    const sent = runs.splice(0, atOnce).map(async ({ refusal, transport }) => {
      const answer = await send(world, refusal, transport)
      expect(answer.reason, titleOf(refusal, transport)).toBe(refusal.reason)
      answer.expectReason(refusal.reason)
    })
    await Promise.all(sent)
    await settled()
  }
}

/** Counts the sessions that wait for a lock. */
const waitingSessions = async ({ db }: World): Promise<number> => {
  const { rowCount } = await db.pool.query(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  )
  return rowCount ?? 0
}

/** Cancels the statements that wait for a lock, whose calls have ended. Returns how many there were. */
const cancelWaiting = async ({ db }: World): Promise<number> => {
  const { rowCount } = await db.pool.query(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rowCount ?? 0
}

/** Runs `work` while another database session holds a lock. */
async function locked(world: World, statement: string, work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: world.databaseUrl })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(statement)
    await work()
  } finally {
    await client.end()
  }
}

describe('a server whose database is cut off', () => {
  let proxy: TcpProxy | undefined
  const world = useWorld({
    databaseUrl: async (url) => {
      proxy = await startTcpProxy(targetOf(url))
      return urlThrough(proxy, url)
    },
  })

  it('answers UNAVAILABLE on every RPC and works again afterwards', async () => {
    await useUp(world())
    const before = await tablesOf(world())
    await proxy?.cut()
    const startedAt = performance.now()
    await expectAll(world(), faultCases('UNAVAILABLE'))
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    await proxy?.pass()
    const path = `/v1/operators/${world().operators.acme.id}`
    await until(
      () => sendHttp(world().server.baseUrl, { verb: 'GET', path }),
      ({ status }) => status === 200,
    )
    expect(await tablesOf(world())).toEqual(before)
  })
})

describe('a server whose database is locked', () => {
  // Statements wait longer than calls, so no call fails with its statement.
  const world = useWorld({ env: { AUTH4AGENT_REQUEST_TIMEOUT: '1s', AUTH4AGENT_DB_TIMEOUT: '1m' } })

  it('answers DEADLINE_EXCEEDED on every RPC', { timeout: LOCKED_MS }, async () => {
    const before = await tablesOf(world())
    await locked(world(), `LOCK TABLE ${Object.keys(before).join(', ')} IN ACCESS EXCLUSIVE MODE`, () =>
      // A call that shares a reading with an earlier one would fail with it, before its own deadline.
      expectAll(
        world(),
        faultCases('DEADLINE_EXCEEDED'),
        () =>
          until(
            () => cancelWaiting(world()),
            (count) => count === 0,
          ),
        WAITING_AT_ONCE,
      ),
    )
    expect(await tablesOf(world())).toEqual(before)
  })
})

describe('a server at its limits', () => {
  // The call that holds the place waits for its lock until all others were refused.
  const patience = { AUTH4AGENT_REQUEST_TIMEOUT: '5m', AUTH4AGENT_DB_TIMEOUT: '1m' }
  const world = useWorld({ env: { AUTH4AGENT_MAX_CONCURRENCY: '1', AUTH4AGENT_RATE_LIMIT_PERCENT: '1', ...patience } })

  it('answers OVERLOADED on every RPC while another call uses the only place for calls', async () => {
    const { released } = world().operators
    const holding: RefusalCase = {
      name: 'a call that holds the place',
      method: OperatorRegistryService.method.suspendOperator,
      reason: 'OPERATOR_RELEASED',
      caller: 'admin',
      request: () => ({ id: released.id }),
    }
    let held: ReturnType<typeof send> | undefined
    const before = await tablesOf(world())
    await locked(world(), `SELECT 1 FROM operators WHERE id = '${released.id}' FOR UPDATE`, async () => {
      held = send(world(), holding, 'rest')
      await until(
        () => waitingSessions(world()),
        (count) => count === 1,
      )
      await expectAll(world(), faultCases('OVERLOADED'))
    })
    expect((await held)?.reason).toBe('OPERATOR_RELEASED')
    expect(await tablesOf(world())).toEqual(before)
  })

  it.each(runsOf(rateCases).map((run) => [titleOf(run.refusal, run.transport), run] as const))(
    'refuses a call above the rate limit: %s',
    async (_, { refusal, transport }) => {
      const before = await tablesOf(world())
      let answer = await send(world(), refusal, transport)
      for (let calls = 1; calls < 200 && answer.reason !== 'RATE_LIMITED'; calls += 1) {
        answer = await send(world(), refusal, transport)
      }
      answer.expectReason('RATE_LIMITED')
      expect(await tablesOf(world())).toEqual(before)
    },
  )
})
