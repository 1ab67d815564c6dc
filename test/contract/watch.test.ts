import { randomUUID } from 'node:crypto'
import { fromBinary } from '@bufbuild/protobuf'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RevocationService, type WatchRevocationsResponse } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Signer } from '../support/assertions.ts'
import { until } from '../support/until.ts'
import { grpcPath } from './support/grpc.ts'
import { sendHttp } from './support/http.ts'
import { assertionOf } from './support/refusal.ts'
import { restRequest } from './support/rest-request.ts'
import { useWorld } from './support/run-cases.ts'

const world = useWorld()
const { revokeToken, watchRevocations } = RevocationService.method
const PATH = '/v1/revocations'

/** A running watch: what it has received, and how it stops. */
interface Watching {
  /** Subjects of records, and `head` for each heartbeat. */
  readonly seen: string[]
  readonly ended: Promise<unknown>
  readonly leave: () => void
}

function note(seen: string[], { event }: WatchRevocationsResponse): void {
  seen.push(event.case === 'record' ? event.value.subject : 'head')
}

const overGrpc = (signer: Signer): Watching => {
  const client = new Client(world().server.grpcAddress, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('authorization', assertionOf(signer, grpcPath(watchRevocations).slice(1)))
  const seen: string[] = []
  const call = client.makeServerStreamRequest(
    grpcPath(watchRevocations),
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => fromBinary(watchRevocations.output, bytes),
    Buffer.alloc(0),
    metadata,
  )
  call.on('data', (message: WatchRevocationsResponse) => note(seen, message))
  const ended = new Promise((resolve) => call.on('error', resolve).on('end', () => resolve(undefined)))
  return { seen, ended, leave: () => call.cancel() }
}

const overConnect = (signer: Signer): Watching => {
  const transport = createConnectTransport({ baseUrl: world().server.baseUrl, httpVersion: '1.1' })
  const gone = new AbortController()
  const headers = { authorization: assertionOf(signer, grpcPath(watchRevocations).slice(1)) }
  const seen: string[] = []
  const read = async () => {
    const messages = createClient(RevocationService, transport).watchRevocations({}, { headers, signal: gone.signal })
    for await (const message of messages) note(seen, message)
  }
  return { seen, ended: read().catch((error: unknown) => error), leave: () => gone.abort() }
}

const overHttp = (signer: Signer, headers: Readonly<Record<string, string>> = {}, query = ''): Watching => {
  const gone = new AbortController()
  const seen: string[] = []
  const read = async () => {
    const authorization = assertionOf(signer, `GET ${PATH}`)
    const answer = await fetch(world().server.baseUrl + PATH + query, {
      headers: { authorization, ...headers },
      signal: gone.signal,
    })
    if (answer.status !== 200) return answer.status
    let text = ''
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1] ?? '{}'
        const { subject = 'head' } = JSON.parse(data) as { subject?: string }
        if (data !== '{}') seen.push(subject)
      }
    }
    return undefined
  }
  return { seen, ended: read().catch((error: unknown) => error), leave: () => gone.abort() }
}

const ways = [
  ['gRPC', overGrpc],
  ['Connect', overConnect],
  ['server-sent events', overHttp],
] as const

async function revoke(jti: string): Promise<void> {
  const request = restRequest(revokeToken, { jti })
  const authorization = assertionOf(world().operators.acme, `POST ${request.path}`)
  const answer = await sendHttp(world().server.baseUrl, { ...request, headers: { ...request.headers, authorization } })
  expect(answer.status, answer.text).toBe(200)
}

const sees = ({ seen }: Watching, what: string) =>
  until(
    async () => seen,
    (all) => all.includes(what),
  )

describe.each(ways)('watching revocations over %s', (_name, watch) => {
  it('sends old and new revocations and heartbeats to any operator and the administrator', async () => {
    const { admin, operators } = world()
    const [before, after] = [randomUUID(), randomUUID()]
    await revoke(before)
    const all = [operators.bravo, operators.suspended, admin].map((signer) => watch(signer))
    onTestFinished(() => {
      for (const { leave } of all) leave()
    })
    for (const watching of all) {
      await sees(watching, 'head')
      expect(watching.seen).toContain(before)
    }
    await revoke(after)
    const heads = () => all.map(({ seen }) => seen.filter((each) => each === 'head').length)
    for (const watching of all) await sees(watching, after)
    const counts = heads()
    const came = (now: number[]) => now.every((count, index) => count > (counts[index] ?? 0))
    await until(async () => heads(), came)
  })

  it('is allowed on 40 connections of one caller at the same time', async () => {
    const signer = world().operators.lapsed
    const all = Array.from({ length: 40 }, () => watch(signer))
    onTestFinished(() => {
      for (const { leave } of all) leave()
    })
    await Promise.all(all.map((each) => sees(each, 'head')))
  })
})

it('GET /v1/revocations?until_head=true sends all revocations and the head, and then ends', async () => {
  const jti = randomUUID()
  await revoke(jti)
  const { seen, ended } = overHttp(world().operators.acme, {}, '?until_head=true')
  expect(await ended).toBeUndefined()
  expect(seen).toContain(jti)
  expect(seen.filter((each) => each === 'head')).toEqual(['head'])
  expect(seen.at(-1)).toBe('head')
})
