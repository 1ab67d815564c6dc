import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { type Machine, SERVER_CORE } from '../machine.ts'
import { type ContenderProcess, startContender } from './process.ts'

/** An HTTP server that only reads and answers JSON. */
export interface Bare extends ContenderProcess {
  readonly http: string
}

/** Starts the bare server. */
export async function startBare(machine: Machine, folder: string): Promise<Bare> {
  const port = await freePort()
  const http = `http://127.0.0.1:${port}`
  const started = await startContender({
    name: 'the bare server',
    machine,
    core: SERVER_CORE,
    args: [join(import.meta.dirname, 'bare-program.ts'), String(port)],
    env: {},
    logFile: join(folder, 'bare.log'),
    probe: http,
  })
  return { ...started, http }
}
