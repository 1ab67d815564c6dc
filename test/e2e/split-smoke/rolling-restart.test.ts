import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { Client, credentials } from '@grpc/grpc-js'
import { service as health } from 'grpc-health-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ServiceName } from '../../../services/configuration/service-names.ts'
import { type AgentParty, newAgentParty } from '../../support/parties.ts'
import { PATIENT } from '../../support/patient.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import { expectStatus, type OperatorParty, provenOperator, signedBody } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'
import { type Process, prepareSplit, type Split } from './processes.ts'

const NAMES: readonly ServiceName[] = ['operator-registry', 'identity', 'authn', 'revocation', 'jwks-gateway']
/** The parts whose processes the test replaces at the same time. */
const GROUPS: readonly (readonly ServiceName[])[] = [
  ['operator-registry', 'identity', 'authn', 'revocation'],
  ['jwks-gateway'],
]
/**
 * The drain delay. It is longer than the time in which callers see that a process is not ready, and longer than the
 * time in which a process finds another one that is back.
 */
const DRAIN_DELAY = '3s'
const LOOK_MS = 50
const WORKERS = 2

let split: Split
/** Two processes of each part. */
let pairs: readonly (readonly Process[])[]
let operator: OperatorParty

beforeAll(async () => {
  split = await prepareSplit(2)
  const env = { ...PATIENT, AUTH4AGENT_DRAIN_DELAY: DRAIN_DELAY }
  pairs = await Promise.all(
    [0, 1].map((instance) => Promise.all(NAMES.map((name) => split.start([name], { instance, env })))),
  )
  await Promise.all(pairs.flat().map(isReady))
  operator = await provenOperator(protocolClient(gateways()[0]?.baseUrl ?? ''), split.dns, 'rolling.example.com')
})
afterAll(() => split?.stop())

const gateways = () => pairs.map((processes) => processes.at(-1)).filter((process) => process !== undefined)
const isReady = (process: Process) =>
  until(
    () => statusOf(process),
    (status) => status === 200,
  )
const statusOf = ({ baseUrl }: Process) => fetch(`${baseUrl}/ready`).then(({ status }) => status, String)

it('a rolling restart of every process loses no request of callers that only look at readiness', async () => {
  const load = startLoad()
  await load.answered(50)
  for (const processes of pairs) {
    for (const group of GROUPS)
      await Promise.all(processes.filter(({ services }) => isIn(group, services)).map(replace))
    await load.answered(50)
  }
  const { calls, failures } = await load.stop()
  expect(failures, warnings()).toEqual([])
  expect(calls.rest).toBeGreaterThan(100)
  expect(calls.grpc).toBeGreaterThan(100)
  expect(pairs.flat()).toHaveLength(10)
})

/** What the processes warned of: a refused call alone does not tell what was missing. */
function warnings(): string {
  const lines = pairs.flat().flatMap((process) => process.logs().split('\n'))
  return lines.filter((line) => /"level":[4-6]0/.test(line)).join('\n')
}

function isIn(group: readonly ServiceName[], services: readonly ServiceName[]): boolean {
  return services.every((name) => group.includes(name))
}

async function replace(process: Process): Promise<void> {
  expect(await process.end('SIGTERM')).toBe(0)
  await process.restart()
  await isReady(process)
}

/** Starts callers over REST and gRPC. Each call goes to a gateway that reports that it is ready. */
function startLoad() {
  const calls = { rest: 0, grpc: 0 }
  const failures: string[] = []
  const end = new AbortController()
  const targets = gateways().map((process) => ({
    process,
    stubs: stubsOf(process.grpcAddress),
    rest: false,
    grpc: false,
  }))
  const checks = targets.map(({ process }) => new Client(process.grpcAddress, credentials.createInsecure()))
  const look = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const looks = targets.map(async (target, index) => {
        target.rest = (await statusOf(target.process)) === 200
        target.grpc = await isServing(checks[index])
      })
      await Promise.all(looks)
      await delay(LOOK_MS)
    }
  }
  const work = async (transport: 'rest' | 'grpc', turn: (at: (typeof targets)[number]) => Promise<void>) => {
    for (let count = 0; !end.signal.aborted; count += 1) {
      const open = targets.filter((target) => target[transport])
      const target = open[count % open.length]
      if (target === undefined) {
        await delay(LOOK_MS)
        continue
      }
      try {
        await turn(target)
        calls[transport] += 3
      } catch (error) {
        failures.push(`${transport}: ${inspect(error)}`)
        await delay(LOOK_MS)
      }
    }
  }
  const workers = Array.from({ length: WORKERS }, () => [
    work('rest', ({ process }) => restTurn(process)),
    work('grpc', ({ stubs }) => grpcTurn(stubs)),
  ]).flat()
  const looking = look()
  return {
    answered(more: number) {
      const goal = { rest: calls.rest + more, grpc: calls.grpc + more }
      return until(
        async () => ({ ...calls, failures }),
        ({ rest, grpc }) => rest >= goal.rest && grpc >= goal.grpc,
      )
    },
    async stop() {
      end.abort()
      await Promise.all([...workers, looking])
      for (const { stubs } of targets) stubs.close()
      for (const check of checks) check.close()
      return { calls, failures }
    },
  }
}

/** Makes a change that cannot be sent twice, a read, and another change. */
async function restTurn({ baseUrl }: Process): Promise<void> {
  const client = protocolClient(baseUrl)
  const agent = newAgentParty(operator.domain)
  expectStatus(201, await client.registerAgent(operator.id, agent))
  expectStatus(200, await client.getAgent(agent.did))
  expectStatus(200, await client.setScopes(operator.id, agent.did, ['read'], operator))
  const body = signedBody(agent, expectStatus(200, await client.challenge(agent.did)))
  const { token } = expectStatus(200, await client.token(body))
  expectStatus(200, await client.verify(token))
  expectStatus(200, await client.revokeToken(token))
}

async function grpcTurn(stubs: ReturnType<typeof stubsOf>): Promise<void> {
  const call = async (method: string, request: Record<string, unknown>, authorization?: string) => {
    const outcome = await stubs.call(`auth4agent.v1.${method}`, request, authorization)
    if (!outcome.ok) throw new Error(`${method}: ${outcome.code} ${outcome.reason}`)
    return outcome.message
  }
  const agent: AgentParty = newAgentParty(operator.domain)
  const registration = { operatorId: operator.id, did: agent.did, didDocument: agent.didDocument }
  await call('IdentityService/RegisterAgent', { ...registration, agentPublicKey: agent.publicKey })
  await call('IdentityService/GetAgent', { did: agent.did })
  await call('KeysService/GetJsonWebKeySet', {})
}

function isServing(client: Client | undefined): Promise<boolean> {
  const { Check: check } = health
  const { promise, resolve } = Promise.withResolvers<boolean>()
  if (client === undefined || check === undefined) return Promise.resolve(false)
  client.makeUnaryRequest(
    check.path,
    check.requestSerialize,
    check.responseDeserialize,
    { service: '' },
    { deadline: Date.now() + 1_000 },
    (_error, answer) => resolve(answer !== undefined && 'status' in answer && answer.status === 'SERVING'),
  )
  return promise
}
