import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spread } from './call-grpc.ts'
import { runGenerator } from './generator.ts'
import type { LoadRequest, LoadResult } from './load-request.ts'
import { percentileOf } from './percentile.ts'

/** Puts a load on a server with h2load, with several streams on each connection. h2load sends only one body. */
export async function h2loadLoad(request: LoadRequest): Promise<LoadResult> {
  const { machine, folder, url, contentType, connections } = request
  const seconds = Math.max(1, Math.round(request.seconds))
  const body = join(folder, 'body')
  const log = join(folder, 'h2load.log')
  await rm(log, { force: true })
  await writeFile(body, request.bodies[0] ?? '')
  const headers = ['-H', `content-type: ${contentType}`, '-H', 'te: trailers']
  const spreading = spread(connections)
  const options = [
    '-c',
    String(spreading.connections),
    '-m',
    String(spreading.streams),
    '-D',
    String(seconds),
    '--log-file',
    log,
    '-d',
    body,
    ...headers,
  ]
  const output = await runGenerator(machine, ['h2load', ...options, url], seconds)
  const numberIn = (pattern: RegExp): number => {
    const found = pattern.exec(output)?.[1]
    if (found === undefined) throw new Error(`The output of h2load does not match ${pattern.source}:\n${output}`)
    return Number(found)
  }
  const answered = numberIn(/status codes: (\d+) 2xx/)
  // Each line has the start, the status and the microseconds of a request.
  const lines = (await readFile(log, 'utf8')).trim().split('\n')
  const durations = lines.map((line) => Number(line.split('\t')[2])).toSorted((one, other) => one - other)
  return {
    requests: answered,
    seconds: answered / numberIn(/finished in [^,]+, ([\d.]+) req\/s/),
    sent: answered + connections,
    failures: numberIn(/requests: .* (\d+) failed/) + numberIn(/2xx, (\d+) 3xx/) + numberIn(/3xx, (\d+) 4xx/),
    exhausted: request.once,
    bytes: numberIn(/\((\d+)\) data/),
    p50Us: percentileOf(durations, 0.5),
    p99Us: percentileOf(durations, 0.99),
  }
}
