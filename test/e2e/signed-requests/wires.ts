import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { StatusSchema } from '../../../gen/proto/google/rpc/status_pb.ts'
import type { RunningServer } from '../../support/server.ts'

/** A change of an agent's label that every wire can send. */
export interface Target {
  readonly server: RunningServer
  readonly operatorId: string
  readonly agent: string
}

/** One way to send UpdateAgent. The bytes of the body or of the message are chosen by the test. */
export interface Wire {
  readonly name: string
  /** Returns the name of the call in assertions. */
  rpc(target: Target): string
  /** Returns the body, or the message without compression and framing, with at least this many bytes. */
  body(target: Target, label: string, size?: number): Buffer
  /** Sends the bytes. Resolves with `OK` or the reason of the refusal. */
  send(target: Target, body: Buffer, authorization: string): Promise<string>
}

const METHOD = 'auth4agent.v1.IdentityService/UpdateAgent'
const { input } = IdentityService.method.updateAgent
const GZIP = 2
const REASON = /[A-Z]+(?:_[A-Z]+)+/

function jsonBody({ operatorId, agent }: Target, label: string, size = 0): Buffer {
  const text = JSON.stringify({ operator_id: operatorId, agent, label })
  return Buffer.from(text.padEnd(size))
}

/** Repeats the label until the message is long enough. The last one counts. */
function protoBody({ operatorId, agent }: Target, label: string, size = 0): Buffer {
  const named = toBinary(input, create(input, { operatorId, agent }))
  const filler = toBinary(input, create(input, { label: 'x'.repeat(100) }))
  const last = toBinary(input, create(input, { label }))
  return Buffer.concat([named, ...Array.from({ length: Math.ceil(size / filler.length) }, () => filler), last])
}

/** Sends an HTTP request. Bytes in a list are sent as several chunks, without a length. */
async function http(method: string, url: string, headers: OutgoingHttpHeaders, body: Buffer | readonly Buffer[]) {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const request = httpRequest(url, { method, headers })
  request.once('error', reject)
  request.once('response', (response) => void buffer(response).then(resolve, reject))
  for (const chunk of [body].flat()) request.write(chunk)
  request.end()
  return promise
}

const path = ({ operatorId, agent }: Target) => `/v1/operators/${operatorId}/agents/${agent}`
const same = (bytes: Buffer) => bytes

function rest(name: string, split: (body: Buffer) => Buffer | readonly Buffer[]): Wire {
  return {
    name,
    rpc: (target) => `PATCH ${path(target)}`,
    body: jsonBody,
    async send(target, body, authorization) {
      const headers = { 'content-type': 'application/json', authorization }
      const answer = await http('PATCH', `${target.server.baseUrl}${path(target)}`, headers, split(body))
      const { reason = 'OK' }: { reason?: string } = JSON.parse(String(answer))
      return reason
    },
  }
}

/** Coding and how it encodes. */
type Coding = readonly [name: string, encode: (bytes: Buffer) => Buffer]
const PLAIN: Coding = ['identity', (bytes) => bytes]

function connect(name: string, type: 'json' | 'proto', [coding, encode]: Coding = PLAIN): Wire {
  return {
    name,
    rpc: () => METHOD,
    body: type === 'json' ? jsonBody : protoBody,
    async send({ server }, body, authorization) {
      const encoding = coding === 'identity' ? {} : { 'content-encoding': coding }
      const headers = { 'content-type': `application/${type}`, authorization, ...encoding }
      const answer = await http('POST', `${server.baseUrl}/${METHOD}`, headers, encode(body))
      const text = answer.toString('latin1')
      if (!text.startsWith('{"code":"')) return 'OK'
      const { details }: { details: { value: string }[] } = JSON.parse(text)
      return reasonIn(Buffer.from(details[0]?.value ?? '', 'base64'))
    },
  }
}

function grpcWeb(name: string, type: 'json' | 'proto', [coding, encode]: Coding = PLAIN): Wire {
  return {
    name,
    rpc: () => METHOD,
    body: type === 'json' ? jsonBody : protoBody,
    async send({ server }, body, authorization) {
      const message = encode(body)
      const head = Buffer.alloc(5)
      head.writeUInt8(coding === 'identity' ? 0 : 1)
      head.writeUInt32BE(message.length, 1)
      const headers = { 'content-type': `application/grpc-web+${type}`, 'grpc-encoding': coding, authorization }
      const answer = await http('POST', `${server.baseUrl}/${METHOD}`, headers, Buffer.concat([head, message]))
      const text = answer.toString('latin1')
      if (/grpc-status: ?0\r/i.test(text)) return 'OK'
      const status = /grpc-status-details-bin: ?([\w+/=-]+)/i.exec(text)?.[1] ?? ''
      return reasonOf(Buffer.from(status, 'base64'))
    },
  }
}

function grpc(name: string, options: object = {}): Wire {
  return {
    name,
    rpc: () => METHOD,
    body: protoBody,
    async send({ server }, body, authorization) {
      const client = new Client(server.grpcAddress, credentials.createInsecure(), options)
      const metadata = new Metadata()
      metadata.set('authorization', authorization)
      const { promise, resolve } = Promise.withResolvers<string>()
      client.makeUnaryRequest(`/${METHOD}`, same, same, body, metadata, (error) => {
        const [status] = error?.metadata.get('grpc-status-details-bin') ?? []
        resolve(error === null ? 'OK' : reasonOf(Buffer.from(status ?? '')))
      })
      return promise.finally(() => client.close())
    },
  }
}

function reasonOf(status: Buffer): string {
  return reasonIn(Buffer.from(fromBinary(StatusSchema, status).details[0]?.value ?? []))
}

/** Returns the reason in the bytes of a google.rpc.ErrorInfo. */
function reasonIn(info: Buffer): string {
  return REASON.exec(info.toString('latin1'))?.[0] ?? 'no reason'
}

const third = (body: Buffer) =>
  [0, 1, 2].map((part) => body.subarray((part * body.length) / 3, ((part + 1) * body.length) / 3))

/** All ways to send a call of an operator. */
export const WIRES: readonly Wire[] = [
  rest('REST', (body) => body),
  rest('REST, as a stream of chunks', third),
  connect('Connect JSON', 'json'),
  connect('Connect JSON, gzip', 'json', ['gzip', gzipSync]),
  connect('Connect JSON, brotli', 'json', ['br', brotliCompressSync]),
  connect('Connect binary', 'proto'),
  connect('Connect binary, gzip', 'proto', ['gzip', gzipSync]),
  grpcWeb('gRPC-Web', 'proto'),
  grpcWeb('gRPC-Web, gzip', 'proto', ['gzip', gzipSync]),
  grpcWeb('gRPC-Web JSON', 'json'),
  grpc('gRPC'),
  grpc('gRPC, gzip', { 'grpc.default_compression_algorithm': GZIP }),
]
