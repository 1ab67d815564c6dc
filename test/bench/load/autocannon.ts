import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AutocannonSettings } from './autocannon-program.ts'
import { beside, runGenerator } from './generator.ts'
import type { LoadRequest, LoadResult } from './load-request.ts'

/** Starts autocannon in a separate process, which sends load to a server. */
export async function autocannonLoad(request: LoadRequest): Promise<LoadResult> {
  const { machine, folder, url, contentType, once, connections, seconds } = request
  const settings: AutocannonSettings = {
    url,
    contentType,
    once,
    connections,
    seconds,
    bodies: join(folder, 'bodies'),
    output: join(folder, 'result.json'),
  }
  await writeFile(settings.bodies, request.bodies.join('\n'))
  const file = join(folder, 'load.json')
  await writeFile(file, JSON.stringify(settings))
  await runGenerator(machine, [process.execPath, beside('autocannon-program.ts'), file], seconds)
  return JSON.parse(await readFile(settings.output, 'utf8'))
}
