import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Binaries } from './binaries.ts'
import { stopOnWindows } from './postmaster.ts'
import { commandLine, isRunning, processIdentity } from './process-identity.ts'

const FAST_STOP_MS = 10_000
const IMMEDIATE_STOP_MS = 5_000
const POLL_MS = 50

/**
 * Stops the PostgreSQL that a killed server left running on `cluster`, and waits until it has ended. Asks for a clean
 * stop first.
 *
 * If the pid in `postmaster.pid` now belongs to another program, removes the file, because PostgreSQL would mistake
 * that program for a running PostgreSQL. If the pid belongs to no process, PostgreSQL replaces the file itself. The
 * caller must hold the lock of the data folder.
 * @returns the pid of the PostgreSQL that was stopped, or undefined if none was running
 * @throws StartupError when that PostgreSQL does not end
 */
export async function stopOrphan(cluster: string, binaries: Binaries): Promise<number | undefined> {
  const file = join(cluster, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  if (!(pid > 0) || (await processIdentity(pid)) === undefined) return undefined
  const command = await commandLine(pid)
  if (command === undefined && process.platform !== 'win32') return undefined
  if (command !== undefined && !command.includes(`postgres -D ${cluster} -c `)) {
    // A PostgreSQL may use the folder under another name (a bind mount). Keep its file, so that the new PostgreSQL
    // refuses to start.
    if (!command.includes('postgres')) await rm(file, { force: true })
    return undefined
  }
  if (process.platform === 'win32') {
    await stopOnWindows(binaries, cluster)
    if (await endsWithin(pid, FAST_STOP_MS)) return pid
  } else if ((await signalled(pid, 'SIGINT', FAST_STOP_MS)) || (await signalled(pid, 'SIGQUIT', IMMEDIATE_STOP_MS))) {
    return pid
  }
  throw new StartupError(
    `The PostgreSQL of an earlier server (process ${pid}) still uses ${cluster} and does not stop: end that process`,
  )
}

async function signalled(pid: number, signal: NodeJS.Signals, milliseconds: number): Promise<boolean> {
  try {
    process.kill(pid, signal)
  } catch {
    return !isRunning(pid)
  }
  return endsWithin(pid, milliseconds)
}

async function endsWithin(pid: number, milliseconds: number): Promise<boolean> {
  for (let left = milliseconds; left > 0; left -= POLL_MS) {
    if ((await processIdentity(pid)) === undefined) return true
    await delay(POLL_MS)
  }
  return false
}
