import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceName } from '../../../services/configuration/service-names.ts'
import { grpcCaller } from '../../contract/support/grpc.ts'
import { type Answer, outcomeOf, protocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, provenOperator, signedChallenge } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type Process, prepareSplit, type Split } from './processes.ts'

const CALLED: readonly ServiceName[] = ['operator-registry', 'identity', 'authn', 'revocation']
let split: Split
let gateway: Process
const processes = new Map<ServiceName, Process>()

beforeAll(async () => {
  split = await prepareSplit()
  const all = [...CALLED, 'jwks-gateway' as const].map(async (name) => {
    processes.set(name, await split.start([name]))
  })
  await Promise.all(all)
  gateway = theProcess('jwks-gateway')
})
afterAll(() => split?.stop())

function theProcess(name: ServiceName): Process {
  const process = processes.get(name)
  if (process === undefined) throw new Error(`${name} did not start`)
  return process
}

const readiness = (process: Process) => protocolClient(process.baseUrl).get('/ready')
const ready = (process: Process) =>
  until(
    () => readiness(process),
    ({ status }) => status === 200,
  )

describe('a deployment of five processes', () => {
  it('1. becomes ready when its processes start in any order', async () => {
    for (const process of processes.values()) await ready(process)
  })

  it('2. logs for each process where it listens and which parts it runs', () => {
    for (const [name, { internalAddress, ...process }] of processes) {
      const line =
        process
          .logs()
          .split('\n')
          .find((text) => text.includes('"msg":"listening"')) ?? '{}'
      const { services, grpcPort, internalPort } = JSON.parse(line)
      expect(services).toEqual([name])
      expect(grpcPort === undefined).toBe(name !== 'jwks-gateway')
      expect(internalPort).toBe(name === 'jwks-gateway' ? undefined : Number(internalAddress.split(':')[1]))
    }
  })

  it("3. acts as one server from an operator's registration to a revoked token", async () => {
    const client = protocolClient(gateway.baseUrl)
    const operator = await provenOperator(client, split.dns, 'split.example.com')
    const agent = await activeAgent(client, operator)
    const { token } = await issueToken(client, agent)
    expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: true })
    expectStatus(200, await client.revokeToken(token))
    expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it('4. serves only probes on the HTTP port of a process without the gateway', async () => {
    const client = protocolClient(theProcess('authn').baseUrl)
    expect(outcomeOf(await client.get('/health'))).toContain('200')
    expect(outcomeOf(await client.get('/.well-known/jwks.json'))).toBe('404 ROUTE_NOT_FOUND')
    expect(outcomeOf(await client.send('POST', '/health', '{}'))).toBe('405 METHOD_NOT_ALLOWED')
  })

  it('5. answers 503 while one process is down, and recovers when the process is back', async () => {
    const client = protocolClient(gateway.baseUrl)
    const operator = await provenOperator(client, split.dns, 'away.example.com')
    const agent = await activeAgent(client, operator)
    const identity = theProcess('identity')
    await identity.end('SIGKILL')
    const startedAt = performance.now()
    expect(await client.registerAgent(operator.id, agent)).toMatchObject({
      status: 503,
      body: { reason: 'UNAVAILABLE' },
    })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    // Calls that do not need the identity service still work.
    expect(await readiness(gateway)).toMatchObject({ status: 200 })
    expectStatus(200, await client.get('/.well-known/jwks.json'))
    await identity.restart()
    // Both the gateway and authn call the identity service.
    for (const call of [() => client.getAgent(agent.did), () => client.challenge(agent.did)]) {
      await until<Answer<unknown>>(call, ({ status }) => status !== 503)
    }
    expectStatus(200, await client.token(await signedChallenge(client, agent)))
  })

  it("6. serves no internal call on public ports, and ignores a public caller that sends a gateway's metadata", async () => {
    const client = new Client(gateway.grpcAddress, credentials.createInsecure())
    const metadata = new Metadata()
    metadata.set('auth4agent-source-bin', Buffer.from('198.51.100.7'))
    metadata.set('auth4agent-rpc-bin', Buffer.from('GET /spoofed'))
    metadata.set('x-request-id', 'spoof-1')
    const lookup = await callBytes(client, '/auth4agent.internal.v1.OperatorDirectoryService/LookupOperator', metadata)
    expect(lookup).toBe(status.UNIMPLEMENTED)
    expect(await callBytes(client, '/auth4agent.v1.KeysService/GetJsonWebKeySet', metadata)).toBe(status.OK)
    client.close()
    const logged = await until(
      async () =>
        theProcess('authn')
          .logs()
          .split('\n')
          .find((line) => line.includes('"spoof-1"')),
      (line) => line !== undefined,
    )
    expect(JSON.parse(logged ?? '')).toMatchObject({ source: '127.0.0.1', rpc: 'KeysService/GetJsonWebKeySet' })
  })

  it('7. passes a field that the gateway does not know to the process behind it, which refuses the field', async () => {
    const client = grpcCaller(gateway.grpcAddress)
    // Field 100, a varint, as a newer contract might define it.
    const answer = await client.call('/auth4agent.v1.AuthnService/VerifyToken', Uint8Array.of(0xa0, 0x06, 0x01), {
      'x-request-id': 'unknown-1',
    })
    client.close()
    expect(answer).toMatchObject({ code: status.INVALID_ARGUMENT, reason: 'UNKNOWN_FIELD' })
    await until(
      async () => theProcess('authn').logs(),
      (logs) => /"unknown-1".*"UNKNOWN_FIELD"/.test(logs),
    )
  })

  it('8. logs one request under one id in all processes', async () => {
    const client = protocolClient(gateway.baseUrl)
    const operator = await provenOperator(client, split.dns, 'ids.example.com')
    const agent = await activeAgent(client, operator)
    const response = await fetch(`${gateway.baseUrl}/v1/challenge`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'one-id-1' },
      body: JSON.stringify({ did: agent.did }),
    })
    expect(response.headers.get('x-request-id')).toBe('one-id-1')
    for (const name of ['jwks-gateway', 'authn', 'identity'] as const) {
      await until(
        async () => theProcess(name).logs(),
        (text) => text.includes('"one-id-1"'),
      )
    }
  })

  it('9. reports a process as not ready before it stops, and stops the process at once at a second signal', async () => {
    const revocation = theProcess('revocation')
    await revocation.end('SIGTERM')
    const patient = await split.start(['revocation'], { env: { AUTH4AGENT_DRAIN_DELAY: '1m' } })
    await ready(patient)
    process.kill(patient.pid, 'SIGTERM')
    const { body } = await until(
      () => readiness(patient),
      ({ status }) => status === 503,
    )
    expect(body).toMatchObject({ detail: 'The server is not ready: it is stopping' })
    const answer = await until(
      () => protocolClient(gateway.baseUrl).revokeToken('no token'),
      ({ status }) => status !== 503,
    )
    expect(outcomeOf(answer)).toBe('400 TOKEN_NOT_OURS')
    // Two signals in quick succession count as one signal, because npm and a terminal both send a signal.
    const statuses: (number | null)[] = []
    const end = () => patient.end('SIGTERM').then((status) => statuses.push(status))
    await until(
      async () => {
        void end()
        return statuses.length
      },
      (count) => count > 0,
    )
    expect(statuses[0]).toBe(1)
  })
})

const same = (bytes: Buffer) => bytes

/** Calls with an empty message. Returns the status code. */
function callBytes(client: Client, path: string, metadata: Metadata): Promise<status> {
  const { promise, resolve } = Promise.withResolvers<status>()
  client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, (error) => resolve(error?.code ?? status.OK))
  return promise
}
