import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { acquireServerLock } from '../../../services/embedded-postgres/server-lock.ts'
import { guardFolder } from '../guardian.ts'
import type { Environment } from '../server.ts'
import { playExample } from './play-example.ts'
import { startServers } from './start-servers.ts'
import { welcome } from './welcome.ts'

/** The file of the lock in the folder. */
const LOCK = 'server.pid'

/** Three deployments that run. `failed` rejects when one of them ends by itself. */
export interface RunningExample {
  readonly welcome: string
  readonly failed: Promise<never>
}

/**
 * Starts three deployments, and plays the worked example of docs/federation.md. Keys of administrators, operators and
 * agents are in `folder`, which is removed at the end. Everything ends with `started`.
 */
export async function runExample(
  started: AsyncDisposableStack,
  folder: string,
  settings: Environment,
  tell: (line: string) => void,
): Promise<RunningExample> {
  const taken = await takeFolder(started, folder)
  try {
    const { deployments, failed } = await startServers(started, folder, settings)
    await Promise.race([playExample(deployments, folder, tell), failed])
    return { welcome: welcome(deployments, folder), failed }
  } catch (error) {
    taken.keepsLogs = true
    throw error
  }
}

/** Takes the folder and empties it, unless another run uses it. In the end it removes it, or all but the logs. */
async function takeFolder(started: AsyncDisposableStack, folder: string): Promise<{ keepsLogs: boolean }> {
  const taken = { keepsLogs: false }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = await acquireServerLock(folder)
  const removed = guardFolder(folder)
  started.defer(async () => {
    await lock.release()
    if (taken.keepsLogs) await empty(folder, (name) => name.endsWith('.log'))
    else await rm(folder, { recursive: true, force: true })
    removed()
  })
  await empty(folder, (name) => name === LOCK)
  return taken
}

async function empty(folder: string, isKept: (name: string) => boolean): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !isKept(name))
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true })
}
