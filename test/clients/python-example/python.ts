import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensureInstalled } from '../../support/debian-package.ts'
import { guard } from '../../support/guardian.ts'

/** Debian's, which has the package. */
const PYTHON = '/usr/bin/python3'
const CRYPTOGRAPHY = '/usr/lib/python3/dist-packages/cryptography/__init__.py'

/** The folder of the example. */
const EXAMPLE = join(import.meta.dirname, '../../../docs/examples/python')

/** A Python program of the example. Whatever still runs when the test process ends is killed then. */
export interface PythonProgram {
  /** The next line of standard output; rejects with all it wrote when it ends without one. */
  line(): Promise<string>
  /** Writes a line to its standard input. */
  write(line: string): void
  /** Its exit code, and all that it wrote. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>
  end(): void
}

/** Installs what the example needs beside Python, where it is missing. */
export async function installCryptography(): Promise<void> {
  const name = 'python3-cryptography'
  await ensureInstalled({ name, find: findCryptography, missing: `${name} is missing: apt-get install ${name}` })
}

async function findCryptography(): Promise<string | undefined> {
  return existsSync(CRYPTOGRAPHY) ? CRYPTOGRAPHY : undefined
}

/** Starts a program with the modules of the example at hand. */
export function startPython(program: string, ...args: readonly string[]): PythonProgram {
  const env = { PATH: process.env['PATH'], PYTHONPATH: EXAMPLE, PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn(PYTHON, [program, ...args], { env, cwd: EXAMPLE, stdio: 'pipe' })
  guard(child, 'SIGKILL')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, output }))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async line() {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`The program ended: ${(await ended).output}`)
      return value
    },
    write: (line) => void child.stdin.write(`${line}\n`),
    ended,
    end: () => void child.kill('SIGKILL'),
  }
}
