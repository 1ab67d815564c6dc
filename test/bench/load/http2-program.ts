import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { callGrpc, spread } from './call-grpc.ts'
import type { LoadResult } from './load-request.ts'
import { percentileOf } from './percentile.ts'

/**
 * Puts a load of gRPC calls on a server with node:http2. Its only argument is the path of its settings. Prints the
 * result as JSON.
 */

/** The settings file of the program. */
export interface Http2Settings {
  readonly url: string
  readonly contentType: string
  /** The framed message in base64. */
  readonly body: string
  /** Number of calls at once. */
  readonly connections: number
  readonly seconds: number
}

const settings: Http2Settings = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
const { origin, pathname } = new URL(settings.url)
const call = { path: pathname, contentType: settings.contentType, body: Buffer.from(settings.body, 'base64') }
const durations: number[] = []
let bytes = 0
let failures = 0

const begin = performance.now()
const { connections, streams } = spread(settings.connections)
await Promise.all(Array.from({ length: connections }, callOnOneConnection))
const seconds = (performance.now() - begin) / 1000
durations.sort((one, other) => one - other)
const result: Omit<LoadResult, 'exhausted'> = {
  requests: durations.length,
  seconds,
  sent: durations.length,
  failures,
  bytes,
  p50Us: percentileOf(durations, 0.5),
  p99Us: percentileOf(durations, 0.99),
}
process.stdout.write(JSON.stringify(result))

async function callOnOneConnection(): Promise<void> {
  const session = connect(origin)
  await Promise.all(Array.from({ length: streams }, () => callAgainAndAgain(session)))
  session.close()
}

async function callAgainAndAgain(session: ClientHttp2Session): Promise<void> {
  while (performance.now() - begin < settings.seconds * 1000) {
    const from = performance.now()
    const answer = await callGrpc(session, call)
    durations.push((performance.now() - from) * 1000)
    bytes += answer?.length ?? 0
    if (answer === undefined) failures += 1
  }
}
