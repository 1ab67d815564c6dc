import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beside, runGenerator } from './generator.ts'
import type { LoadRequest, LoadResult } from './load-request.ts'

/** Puts a load on a server with wrk, which measures only whole seconds. */
export async function wrkLoad(request: LoadRequest): Promise<LoadResult> {
  const { machine, folder, connections } = request
  const seconds = Math.max(1, Math.round(request.seconds))
  const bodies = join(folder, 'bodies')
  const output = join(folder, 'result.json')
  await rm(output, { force: true })
  // Together they may be longer than the longest string.
  await writeFile(
    bodies,
    request.bodies.map((body) => `${String(body)}\n`),
  )
  const { pathname, search, origin } = new URL(request.url)
  // By default wrk takes an answer that comes after 2 s for an error, and a disk may stall for longer.
  const patience = ['--timeout', '20s']
  const options = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, ...patience]
  const script = [bodies, output, request.contentType, request.once ? 'once' : 'again', pathname + search]
  await runGenerator(
    machine,
    ['wrk', ...options, '--latency', '-s', beside('requests.lua'), origin, '--', ...script],
    seconds,
  )
  return JSON.parse(await readFile(output, 'utf8'))
}
