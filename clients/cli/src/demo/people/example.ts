import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { configurationError } from '../../cli-error.ts'

/** What a program tells: one JSON object a line, whose members are texts. */
export type Facts = Readonly<Record<string, string>>

/** A running example program of the checkout. */
export interface Example {
  /** Resolves with what the program tells next. Rejects with its errors if it ends instead. */
  next(): Promise<Facts>
  stop(): Promise<void>
}

const FOLDER = fileURLToPath(new URL('../../../../../docs/examples/people', import.meta.url))
/** Packages of the examples, of which the server needs none. */
const PACKAGES = ['oidc-provider', '@modelcontextprotocol/sdk', 'express', 'jose'] as const
const MAX_ERRORS = 4_000

/** Throws CliError if this installation has no examples, or not the packages that they need. */
export function expectExamples(folder = FOLDER): void {
  if (!existsSync(folder)) {
    const hint = 'Run `npm start` and `npx auth4agent demo --people` in a checkout of Auth4Agent.'
    throw configurationError('The demo of people needs the examples of a checkout of Auth4Agent', hint)
  }
  const folders = createRequire(join(folder, 'x.mjs')).resolve.paths('x') ?? []
  const missing = PACKAGES.filter((name) => !folders.some((modules) => existsSync(join(modules, name))))
  if (missing.length > 0) {
    const hint = 'Run `npm install --ignore-scripts` in the checkout. The server may run meanwhile.'
    throw configurationError(`The demo of people needs packages that are not installed: ${missing.join(', ')}`, hint)
  }
}

/** Starts an example program. It ends when `signal` aborts, and at the latest with this process. */
export function startExample(name: string, args: readonly string[], signal: AbortSignal): Example {
  // The program ends when its input does, also if this process is killed.
  const child = spawn(process.execPath, [join(FOLDER, name), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  const end = () => void child.kill()
  signal.addEventListener('abort', end, { once: true })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = `${errors}${String(chunk)}`.slice(-MAX_ERRORS)
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async next() {
      for (;;) {
        const { value, done } = await lines.next()
        signal.throwIfAborted()
        // Packages may write notices between.
        if (done !== true && value.startsWith('{')) return readFacts(value)
        if (done !== true) continue
        await ended
        throw new Error(`The example ${name} has ended: ${errors.trim()}`)
      }
    },
    async stop() {
      signal.removeEventListener('abort', end)
      end()
      await ended
    },
  }
}

function readFacts(line: string): Facts {
  const told: unknown = JSON.parse(line)
  if (typeof told !== 'object' || told === null) throw new TypeError(`An example has told ${line}`)
  return Object.fromEntries(Object.entries(told).map(([name, value]) => [name, String(value)]))
}
