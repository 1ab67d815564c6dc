import { readFileSync, writeFileSync } from 'node:fs'
import autocannon from 'autocannon'
import type { LoadResult } from './load-request.ts'
import { splitRequest } from './split-proof.ts'

/** Puts a load on a server with autocannon. Its only argument is the path of its settings. */

/** The settings file of the program. */
export interface AutocannonSettings {
  readonly url: string
  readonly contentType: string
  readonly once: boolean
  readonly connections: number
  readonly seconds: number
  /** File with one body in each line. */
  readonly bodies: string
  /** File for the result. */
  readonly output: string
}

const settings: AutocannonSettings = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
const bodies = readFileSync(settings.bodies, 'utf8').split('\n')
let sent = 0
const result = await autocannon({
  url: settings.url,
  connections: settings.connections,
  duration: settings.seconds,
  // How often autocannon checks the time.
  sampleInt: Math.min(1000, settings.seconds * 1000),
  requests: [
    {
      method: 'POST',
      headers: { 'content-type': settings.contentType },
      setupRequest: (request) => {
        const { method, headers, body } = splitRequest(bodies[sent++ % bodies.length] ?? '')
        return { ...request, method, body, headers: { ...request.headers, ...headers } }
      },
    },
  ],
})
const answers = result.requests.total
const answer: LoadResult = {
  requests: answers,
  seconds: result.duration,
  sent,
  failures: result.non2xx + result.errors + result.timeouts,
  exhausted: settings.once && sent > bodies.length,
  bytes: result.throughput.total,
  p50Us: result.latency.p50 * 1000,
  p99Us: result.latency.p99 * 1000,
}
writeFileSync(settings.output, JSON.stringify(answer))
