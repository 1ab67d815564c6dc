import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beside, runGenerator } from './generator.ts'
import type { Http2Settings } from './http2-program.ts'
import type { LoadRequest, LoadResult } from './load-request.ts'

/**
 * Puts a load on a server with node:http2 in a new process, with several streams on each connection. All requests have
 * the same body.
 */
export async function http2Load(request: LoadRequest): Promise<LoadResult> {
  const { machine, folder, url, contentType, connections, seconds } = request
  const body = Buffer.from(request.bodies[0] ?? '').toString('base64')
  const settings: Http2Settings = { url, contentType, body, connections, seconds }
  const file = join(folder, 'load.json')
  await writeFile(file, JSON.stringify(settings))
  const output = await runGenerator(machine, [process.execPath, beside('http2-program.ts'), file], seconds)
  return { ...JSON.parse(output), exhausted: request.once }
}
