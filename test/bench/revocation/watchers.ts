import { create, toBinary } from '@bufbuild/protobuf'
import { Client, type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js'
import { RevocationService, WatchRevocationsRequestSchema } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Asserter } from '../../support/parties.ts'

/** Independent streams of WatchRevocations. */
export interface Watchers {
  /** Resolves with the `performance.now` time at which the last watcher received a message with these bytes. */
  lastTold(bytes: string): Promise<number>
  close(): void
}

const PATH = `/${RevocationService.typeName}/${RevocationService.method.watchRevocations.name}`
const REQUEST = Buffer.from(toBinary(WatchRevocationsRequestSchema, create(WatchRevocationsRequestSchema)))
const CONNECTIONS = 4

/**
 * Opens `count` streams, spread over the addresses and over the callers `by`. Resolves when all have received the
 * head.
 */
export async function openWatchers(
  addresses: readonly string[],
  by: readonly Asserter[],
  count: number,
): Promise<Watchers> {
  const clients = addresses.flatMap((address) =>
    Array.from({ length: CONNECTIONS }, () => {
      // Otherwise clients of one process share a connection.
      return new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
    }),
  )
  const awaited = new Map<string, { left: number; readonly told: (at: number) => void }>()
  const streams: ClientReadableStream<Buffer>[] = []
  const open = async (index: number): Promise<void> => {
    const client = clients[index % clients.length]
    const asserter = by[index % by.length]
    if (client === undefined || asserter === undefined) throw new RangeError('There are no addresses or no callers')
    const metadata = new Metadata()
    metadata.set('authorization', asserter.assert())
    const stream = client.makeServerStreamRequest<Buffer, Buffer>(
      PATH,
      (bytes) => bytes,
      (bytes) => bytes,
      REQUEST,
      metadata,
    )
    streams.push(stream)
    const ready = Promise.withResolvers<void>()
    stream.on('error', ready.reject)
    stream.on('data', (bytes: Buffer) => {
      ready.resolve()
      for (const [text, waiting] of awaited) {
        if (!bytes.includes(text)) continue
        waiting.left -= 1
        if (waiting.left > 0) continue
        awaited.delete(text)
        waiting.told(performance.now())
      }
    })
    await ready.promise
  }
  await Promise.all(Array.from({ length: count }, (_, index) => open(index)))
  return {
    lastTold(bytes) {
      const { promise, resolve } = Promise.withResolvers<number>()
      awaited.set(bytes, { left: count, told: resolve })
      return promise
    },
    close() {
      for (const stream of streams) {
        stream.on('error', () => undefined)
        stream.cancel()
      }
      for (const client of clients) client.close()
    },
  }
}
