import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Machine, pinned, SERVER_CORE } from './machine.ts'

/** Microseconds of one call of the server's own Ed25519 engine. */
export interface CryptoCost {
  readonly verifyUs: number
  readonly signUs: number
}

const run = promisify(execFile)

/** Measures the costs on the servers' core, each for this many milliseconds. */
export async function measureCrypto(machine: Machine, forMs: number): Promise<CryptoCost> {
  const program = join(import.meta.dirname, 'crypto-program.ts')
  const [command, args] = pinned(machine, SERVER_CORE, [process.execPath, program, String(forMs)])
  const { stdout } = await run(command, args)
  return JSON.parse(stdout)
}
