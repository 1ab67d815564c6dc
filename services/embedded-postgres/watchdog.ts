import { spawn } from 'node:child_process'
import type { Account } from './account.ts'
import { childEnvironment } from './child-environment.ts'

/**
 * The program of the watchdog. Its standard input is a pipe from the server. A line means that PostgreSQL has ended.
 * The end of the pipe without a line means that the server was killed. `postmaster.pid` must name the process, because
 * its pid could meanwhile belong to another program. PostgreSQL may not have written that file yet.
 */
const PROGRAM = `
trap '' HUP INT TERM
read -r told && exit 0
cluster=$1 pid=$2
named() { [ "$(head -n 1 "$cluster/postmaster.pid" 2>/dev/null)" = "$pid" ]; }
tries=50
until named; do
  if [ "$tries" -eq 0 ] || ! kill -0 "$pid" 2>/dev/null; then exit 0; fi
  tries=$((tries - 1))
  sleep 0.1
done
kill -INT "$pid" 2>/dev/null
tries=100
while named && kill -0 "$pid" 2>/dev/null; do
  if [ "$tries" -eq 0 ]; then kill -QUIT "$pid"; exit 0; fi
  tries=$((tries - 1))
  sleep 0.1
done`

/**
 * Starts a process that shuts PostgreSQL down when this process ends without doing so, as after `kill -9`. It asks
 * for a clean shutdown, and after 10 s for one at once. Windows has no such process: there the next start stops the
 * PostgreSQL that is left.
 * @returns a function to call when PostgreSQL has ended
 */
export function watchOver(pid: number, cluster: string, account: Account | undefined): () => void {
  if (process.platform === 'win32') return () => undefined
  const child = spawn('/bin/sh', ['-c', PROGRAM, 'auth4agent-watchdog', cluster, String(pid)], {
    // A group of its own, so that a signal to the group of the server does not end it.
    detached: true,
    cwd: '/',
    env: childEnvironment(),
    stdio: ['pipe', 'ignore', 'ignore'],
    // Only the user of PostgreSQL may signal it.
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  // Without a shell the next start stops the PostgreSQL that is left.
  child.on('error', () => undefined)
  child.unref()
  const { stdin } = child
  stdin.on('error', () => undefined)
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return () => void stdin.end('ended\n')
}
