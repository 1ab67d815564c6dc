import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { join } from 'node:path'

const SCRIPT = join(import.meta.dirname, 'guardian.sh')
let guardian: Socket | undefined

/**
 * Makes sure that a child process ends when this process does, however it does: also by SIGKILL, when nothing of it runs any
 * more. The signal is the one that the child stops in order at.
 */
export function guard(child: ChildProcess, signal: 'SIGTERM' | 'SIGQUIT' | 'SIGKILL'): void {
  const { pid } = child
  // One that could not even begin says so by an error.
  if (pid === undefined) return
  tell(`run ${pid} ${signal.slice('SIG'.length)}`)
  child.once('exit', () => tell(`ended ${pid}`))
}

/**
 * Makes sure that a folder, and a PostgreSQL that runs in it or in a folder of it, goes when this process does. Returns what says
 * that the folder has been removed.
 */
export function guardFolder(path: string): () => void {
  tell(`folder ${path}`)
  return () => tell(`removed ${path}`)
}

/** The pipe breaks when this process ends: that is all that the guardian waits for. */
function tell(line: string): void {
  guardian ??= start()
  guardian.write(`${line}\n`)
}

function start(): Socket {
  const { PATH, TMPDIR } = process.env
  // In a session of its own, so that what ends this process's group leaves it to do its work.
  const child = spawn('/bin/sh', [SCRIPT], {
    cwd: '/',
    detached: true,
    env: { PATH, TMPDIR },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  const { stdin } = child
  if (!(stdin instanceof Socket)) throw new Error('its standard input is a pipe')
  stdin.unref()
  return stdin
}
