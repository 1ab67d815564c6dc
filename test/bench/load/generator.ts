import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { guard } from '../../support/guardian.ts'
import { LOAD_CORE, type Machine, pinned } from '../machine.ts'

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 2 ** 24

/** Runs a load generator on its core. Returns its standard output. */
export async function runGenerator(
  machine: Machine,
  command: readonly [string, ...string[]],
  seconds: number,
): Promise<string> {
  const [program, args] = pinned(machine, LOAD_CORE, command)
  const timeout = Math.ceil((seconds + 60) * 1000)
  const running = run(program, args, { maxBuffer: MAX_OUTPUT_BYTES, timeout })
  guard(running.child, 'SIGKILL')
  return (await running).stdout
}

/** Returns the path of a file beside this one. */
export const beside = (name: string): string => join(import.meta.dirname, name)
