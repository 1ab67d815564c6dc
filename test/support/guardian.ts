import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { join } from 'node:path'

const SCRIPT = join(import.meta.dirname, 'guardian.sh')
let guardian: Socket | undefined

/**
 * Makes sure that a child process ends when this process ends for any reason, even by SIGKILL. `signal` is the signal
 * that stops the child cleanly.
 */
export function guard(child: ChildProcess, signal: 'SIGTERM' | 'SIGQUIT' | 'SIGKILL'): void {
  const { pid } = child
  // A child without a pid did not start. It reports that with an error event, so there is nothing to guard.
  if (pid === undefined) return
  tell(`run ${pid} ${signal.slice('SIG'.length)}`)
  child.once('exit', () => tell(`ended ${pid}`))
}

/**
 * Makes sure that a folder is removed when this process ends, after a PostgreSQL in it or in a subfolder is stopped.
 * Returns a function to call after the folder has been removed.
 */
export function guardFolder(path: string): () => void {
  tell(`folder ${path}`)
  return () => tell(`removed ${path}`)
}

/**
 * Writes a line to the guardian. The pipe to the guardian closes when this process ends, which the guardian notices.
 */
function tell(line: string): void {
  guardian ??= start()
  guardian.write(`${line}\n`)
}

function start(): Socket {
  const { PATH, TMPDIR } = process.env
  // The guardian has its own session, so a signal to this process's group does not end it.
  const child = spawn('/bin/sh', [SCRIPT], {
    cwd: '/',
    detached: true,
    env: { PATH, TMPDIR },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  const { stdin } = child
  if (!(stdin instanceof Socket)) throw new Error('The standard input of the guardian must be a pipe')
  stdin.unref()
  return stdin
}
