import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { create, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import type { Client } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { createAuthority } from '../../test/support/certificate-authority.ts'
import type { FakeRpc } from '../../test/support/fake-rpc.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { connectTo, startInternalListener, testCertificate } from '../../test/support/internal-listener.ts'
import { until } from '../../test/support/until.ts'
import { MAX_STREAM_AGE_MS } from '../calls/streams.ts'
import type { ServiceName } from '../configuration/service-names.ts'

const { watchRevocations: method } = RevocationService.method
const META = { requestId: 'r-1', source: '192.0.2.1', authorization: undefined, rpc: 'watch', body: undefined }
const MINUTE_MS = 60_000
/** Time advances in steps that are shorter than the timeout of a ping, so that no ping gets its answer too late. */
const STEP_MS = 2_000
const TURNS = 8
/** The number of the keep-alive timer of a TCP socket in Linux. */
const KEEP_ALIVE_TIMER = '02'

/** Replaces the timers that measure the age of connections and streams. Sockets keep their real timers. */
function holdTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** Advances the time, and lets the sent data arrive. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    vi.advanceTimersByTime(STEP_MS)
    for (let count = 0; count < TURNS; count += 1) await turn()
  }
}

/** Counts the connections that listeners of this process accept. */
function countConnections() {
  let count = 0
  const take = (): void => void (count += 1)
  subscribe('net.server.socket', take)
  onTestFinished(() => void unsubscribe('net.server.socket', take))
  return () => count
}

/** Sets an answer that sends one message at once, and one message at the age limit of a stream. */
function answerStreams(rpc: FakeRpc): void {
  rpc.answerStream(method, async function* () {
    yield {}
    await new Promise((resolve) => setTimeout(resolve, MAX_STREAM_AGE_MS))
    yield {}
  })
}

/** Resolves with the number of messages of a stream, or with the error that broke it. */
async function outcome(messages: AsyncIterable<Message>): Promise<number | string> {
  try {
    return (await Array.fromAsync(messages)).length
  } catch (error) {
    return String(error)
  }
}

/** Waits for the first message of a stream, and cancels the rest. */
async function firstOf(messages: AsyncIterable<Message>): Promise<void> {
  for await (const _ of messages) return
}

/** Starts a stream every minute for a time. Resolves with the outcomes of all. */
async function streamsFor(ms: number, open: () => AsyncIterable<Message>) {
  // A connection takes real time. Its age begins then, so it must be there before the time advances.
  await firstOf(open())
  const outcomes: Promise<number | string>[] = []
  for (let passed = 0; passed < ms; passed += MINUTE_MS) {
    outcomes.push(outcome(open()))
    await pass(MINUTE_MS)
  }
  await pass(MAX_STREAM_AGE_MS + MINUTE_MS)
  return new Set(await Promise.all(outcomes))
}

const watch = (client: Client): AsyncIterable<Message> =>
  client.makeServerStreamRequest(
    `/${method.parent.typeName}/${method.name}`,
    (request: Buffer) => request,
    (bytes: Buffer) => fromBinary(method.output, bytes),
    Buffer.from(toBinary(method.input, create(method.input))),
  )

/** Resolves with the kernel timers of the connections that this port has accepted. */
async function timersOf(port: number): Promise<readonly (string | undefined)[]> {
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((row) => row.trim().split(/\s+/))
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return rows
    .filter(([, address, , state]) => address?.endsWith(local) && state === '01')
    .map((row) => row[5]?.slice(0, 2))
}

describe('a connection to the internal listener', () => {
  it.each(['without TLS', 'under mutual TLS'])(
    'is replaced every five minutes, and its streams continue: %s',
    async (how) => {
      const authority = how === 'without TLS' ? undefined : createAuthority()
      const certify = async (name: ServiceName) =>
        authority === undefined ? undefined : (await testCertificate(authority, [name])).certificates
      const [certificates, own] = [await certify('operator-registry'), await certify('jwks-gateway')]
      holdTime()
      const connections = countConnections()
      const { rpc, address } = await startInternalListener({ certificates })
      answerStreams(rpc)
      const { forward } = connectTo([address], own)
      const open = () => forward.stream(method, create(method.input), META, new AbortController().signal)
      expect(await streamsFor(44 * MINUTE_MS, open)).toEqual(new Set([2]))
      expect(connections()).toBe(1 + 60 / 5)
    },
  )
})

describe('a connection to the public port', () => {
  it('is retired within 66 minutes, and is not cut before its streams have ended', async () => {
    holdTime()
    const connections = countConnections()
    const { rpc, client } = await startGrpcServer()
    answerStreams(rpc)
    expect(await streamsFor(70 * MINUTE_MS, () => watch(client))).toEqual(new Set([2]))
    expect(connections()).toBe(2)
  })

  it('has TCP keep-alive', async () => {
    const { client, port } = await startGrpcServer()
    client.waitForReady(Date.now() + 10_000, () => undefined)
    await until(
      () => timersOf(port),
      (timers) => timers.includes(KEEP_ALIVE_TIMER),
    )
  })
})
