import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { processIdentity } from '../../services/embedded-postgres/process-identity.ts'
import { guard } from './guardian.ts'
import { until } from './until.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('./guardian-program.ts', import.meta.url))

interface Started {
  readonly pid: number
  readonly line: string
  /** Identifies the process, because a later process may get the same process id. */
  readonly identity: string
}

/**
 * Lists the descendants of a process. Also lists the processes with one of the words in their command line, and their
 * descendants.
 */
async function startedBy(ancestor: number, words: readonly string[]): Promise<readonly Started[]> {
  const { stdout } = await run('ps', ['-eww', '-o', 'pid=,ppid=,args='])
  const all = [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, line = '']) => {
    return { pid: Number(pid), parent: Number(parent), line }
  })
  const found = new Map<number, string>()
  const add = (of: number): void => {
    for (const { pid, line } of all.filter(({ pid, parent }) => parent === of && !found.has(pid))) {
      found.set(pid, line)
      add(pid)
    }
  }
  add(ancestor)
  // A database whose server was killed is not a descendant of the process.
  for (const { pid, line } of all.filter(({ line }) => words.some((word) => line.includes(word)))) {
    found.set(pid, line)
    add(pid)
  }
  const identified = [...found].map(async ([pid, line]) => ({ pid, line, identity: await processIdentity(pid) }))
  return (await Promise.all(identified)).filter((one): one is Started => one.identity !== undefined)
}

it('a killed test process leaves no server, database, bus or folder behind', async () => {
  const program = spawn(process.execPath, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  guard(program, 'SIGKILL')
  const [text]: string[] = await once(createInterface({ input: program.stdout }), 'line')
  const { folders }: { folders: string[] } = JSON.parse(text ?? '')
  const started = await startedBy(program.pid ?? 0, folders)
  const lines = started.map(({ line }) => line).join('\n')
  for (const word of ['services/main.ts', 'postgres: ', 'nats-server', ...folders]) expect(lines).toContain(word)
  expect(folders.filter((folder) => existsSync(folder))).toHaveLength(3)
  program.kill('SIGKILL')
  const left = async () => {
    const now = started.map(async ({ pid, line, identity }) => {
      return (await processIdentity(pid)) === identity ? [line] : []
    })
    return [...(await Promise.all(now)).flat(), ...folders.filter((folder) => existsSync(folder))]
  }
  expect(await until(left, ({ length }) => length === 0)).toEqual([])
})
