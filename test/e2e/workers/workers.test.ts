import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Load, startLoad } from '../../fault/load.ts'
import { expectAtMostOnce, expectPromisesKept } from '../../fault/promises.ts'
import { isRunning } from '../../support/data-folder.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedChallenge,
} from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'
import { totalsOf } from './counts.ts'
import { answeringWorkers, eventsOf, type Line, openLine, openLines, pidsOf, workerBehind } from './lines.ts'

const WORKERS = 2
const DRAIN_MS = 500
const VERIFY = 'auth4agent_calls_total{service="AuthnService",method="VerifyToken",reason="OK"}'

let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty
/** One line to each worker. */
let lines: Line[]
let load: Load | undefined

beforeAll(async () => {
  const env = { AUTH4AGENT_WORKERS: String(WORKERS), AUTH4AGENT_DRAIN_DELAY: `${DRAIN_MS}ms` }
  deployment = await startDeployment({ env: { ...env, AUTH4AGENT_REVOCATION_LEASE: '1s' } })
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
  lines = await openLines(deployment.server, WORKERS)
})
afterAll(async () => {
  await load?.stop().catch(() => undefined)
  for (const line of lines ?? []) line.close()
  await deployment?.stop()
})

const verdict = async (line: Line, token: unknown): Promise<unknown> =>
  JSON.parse((await line.post('/v1/verify', { token })).text).valid

/**
 * Returns the worker that answers a new connection, or undefined if the connection breaks. That can happen if a worker
 * dies before it has accepted the connection.
 */
async function answeredAnew(): Promise<number | undefined> {
  const line = openLine(deployment.server)
  try {
    return await workerBehind(line, deployment.server)
  } catch {
    return undefined
  } finally {
    line.close()
  }
}

it('1. both workers answer on one port, and log under their numbers', async () => {
  expect(await Promise.all(lines.map((line) => workerBehind(line, deployment.server)))).toEqual([1, 2])
  expect(pidsOf(deployment.server)).toHaveLength(WORKERS)
  expect(pidsOf(deployment.server)).not.toContain(deployment.server.pid)
})

it('2. both workers answer gRPC on the other port', async () => {
  const before = eventsOf(deployment.server).length
  const stubs = Array.from({ length: 4 }, () =>
    stubsOf(deployment.server.grpcAddress, { 'grpc.use_local_subchannel_pool': 1 }),
  )
  for (const stub of stubs) await stub.call('auth4agent.v1.AuthnService/VerifyToken', { token: 'none' })
  for (const stub of stubs) stub.close()
  await until(
    () => answeringWorkers(deployment.server, before),
    (workers) => workers.length === WORKERS,
  )
})

it('3. a challenge sent to both workers is redeemed once, in 20 rounds', async () => {
  for (let round = 0; round < 20; round += 1) {
    const body = await signedChallenge(deployment.client, agent)
    const answers = await Promise.all(lines.map((line) => line.post('/v1/token', body)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  }
})

it('4. a token revoked at one worker is refused by both when the call returns, in 20 rounds', async () => {
  for (let round = 0; round < 20; round += 1) {
    const { token } = await issueToken(deployment.client, agent)
    expect(await Promise.all(lines.map((line) => verdict(line, token)))).toEqual([true, true])
    const revoking = lines[round % WORKERS]
    expect(await revoking?.post('/v1/revoke/token', { token })).toMatchObject({ status: 200 })
    expect(await Promise.all(lines.map((line) => verdict(line, token)))).toEqual([false, false])
  }
})

it('5. either worker returns the metrics of both', async () => {
  const before = await totalsOf(lines[0])
  for (const [index, line] of lines.entries())
    for (let call = 0; call <= index; call += 1) await line.post('/v1/verify', { token: 'none' })
  for (const line of lines) {
    await until(
      () => totalsOf(line),
      (totals) => (totals.get(VERIFY) ?? 0) === (before.get(VERIFY) ?? 0) + 3,
    )
  }
  expect((await lines[1]?.get('/metrics'))?.text).toContain(`\nauth4agent_workers ${WORKERS}\n`)
  expect((await lines[1]?.get('/metrics'))?.text).toContain('\nauth4agent_revocation_lease_valid 1\n')
})

it('6. when a worker is killed under load, the other worker serves and a new worker replaces the killed one', async () => {
  load = await startLoad(() => deployment.client, operator, 6)
  const { told } = load
  await until(
    async () => told.issued.length,
    (issued) => issued >= 40,
  )
  const before = await totalsOf(lines[0])
  const [, killed = 0] = pidsOf(deployment.server)
  process.kill(killed, 'SIGKILL')
  expect(await lines[0]?.get('/ready')).toMatchObject({ status: 200 })
  expect(await until(answeredAnew, (worker) => worker !== undefined)).toBe(1)
  await until(
    async () => pidsOf(deployment.server),
    ([, pid]) => pid !== killed,
  )
  const ends = eventsOf(deployment.server).filter(({ msg }) => msg === 'a worker ended and is replaced')
  expect(ends).toMatchObject([{ worker: 2, pid: killed, reason: 'killed by SIGKILL', pauseMs: 100 }])
  const after = await totalsOf(lines[0])
  expect([...before].filter(([name, total]) => (after.get(name) ?? 0) < total)).toEqual([])
  lines[1]?.close()
  lines = [...lines.slice(0, 1), ...(await openLines(deployment.server, WORKERS)).slice(1)]
})

it('7. no answered call is lost, and no challenge was redeemed twice', async () => {
  if (load === undefined) throw new Error('The step before this one starts the load')
  const { told } = load
  load.resume()
  const enough = told.issued.length + 40
  await until(
    async () => load?.waiting() === 0 && told.issued.length >= enough,
    (goesOn) => goesOn,
  )
  await load.stop()
  await expectPromisesKept(deployment.client, deployment.databaseUrl, told)
  await expectAtMostOnce(deployment.client, told.unanswered)
  expect([...told.refusals]).toEqual([])
})

it('8. a connection breaks at once if its worker dies before it accepts the connection, so the caller does not wait', async () => {
  const [, frozen = 0] = pidsOf(deployment.server)
  process.kill(frozen, 'SIGSTOP')
  const waiting = Array.from({ length: 4 }, () => openLine(deployment.server))
  const outcomes: unknown[] = []
  const told = waiting.map(async (line) => {
    outcomes.push(
      await line.get('/health').then(
        ({ status }) => status,
        ({ code }: NodeJS.ErrnoException) => code,
      ),
    )
  })
  await until(
    async () => outcomes,
    ({ length }) => length === 3,
  )
  process.kill(frozen, 'SIGKILL')
  await Promise.all(told)
  expect(outcomes).toEqual([200, 200, 200, 'ECONNRESET'])
  for (const line of waiting) line.close()
  await until(
    async () => pidsOf(deployment.server),
    ([, pid]) => pid !== frozen,
  )
})

it('9. when the primary process is killed, its workers end and the ports are free', async () => {
  const pids = pidsOf(deployment.server)
  await deployment.server.kill()
  expect(await Promise.all(pids.map(isRunning))).toEqual([false, false])
  await deployment.server.restart()
  expect(expectStatus(200, await deployment.client.get('/ready'))).toEqual({ status: 'ready', durability: 'unknown' })
  for (const line of lines) line.close()
  lines = await openLines(deployment.server, WORKERS)
})

it('10. a worker ignores signals; when the primary process is stopped, all workers drain and end with status 0', async () => {
  const pids = pidsOf(deployment.server)
  for (const pid of pids) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(pid, signal)
  expect(await Promise.all(lines.map((line) => line.get('/ready')))).toMatchObject([{ status: 200 }, { status: 200 }])
  const { token } = await issueToken(deployment.client, agent)
  const stopped = deployment.server.stop()
  for (const line of lines) {
    await until(
      () => line.get('/ready'),
      ({ status }) => status === 503,
      DRAIN_MS,
    )
    expect(await verdict(line, token)).toBe(true)
  }
  expect(await stopped).toBe(0)
  expect(await Promise.all(pids.map(isRunning))).toEqual([false, false])
})
