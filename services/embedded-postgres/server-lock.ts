import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StartupError } from '../platform/errors/startup-error.ts'
import { processIdentity } from './process-identity.ts'

type Holder = { pid: number; identity: string }

/** The lock of a data folder. `release` gives the lock up and may be called twice. */
export type ServerLock = { release(): Promise<void> }

/**
 * Locks `dataDir` for this process by creating `server.pid` in it. Replaces the file of a process that no longer runs.
 * @throws StartupError with the pid of the other server when it uses the folder
 */
export async function acquireServerLock(dataDir: string): Promise<ServerLock> {
  const path = join(dataDir, 'server.pid')
  const own = { pid: process.pid, identity: (await processIdentity(process.pid)) ?? '' }
  await claim(path, own, (holder) => Promise.reject(inUse(dataDir, holder)))
  return { release: () => releaseOwn(path, contentOf(own)) }
}

/**
 * Creates the file at `path` for the process `own`. If the file names a running process, calls `whenHeld`, which waits
 * or rejects.
 *
 * Several starts may find the same stale file at the same time. A start must first create a guard file, whose name is
 * a hash of the stale file. Only then may it remove the stale file, so no start removes the new file of another start.
 */
async function claim(path: string, own: Holder, whenHeld: (holder: Holder) => Promise<void>): Promise<void> {
  while (!(await createExclusively(path, contentOf(own)))) {
    const found = await readSettled(path)
    if (found === undefined) continue
    const holder = parseHolder(found)
    if (holder !== undefined && (await isHeld(holder, own))) {
      await whenHeld(holder)
      continue
    }
    const guard = `${path}-${createHash('sha256').update(found).digest('hex').slice(0, 16)}`
    await claim(guard, own, () => delay(20))
    try {
      if ((await readSettled(path)) === found) await rm(path)
    } finally {
      await rm(guard)
    }
  }
}

const contentOf = (holder: Holder): string => `${JSON.stringify(holder)}\n`

async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Returns the file's text. Waits up to one second while it is incomplete, because another start may be writing it. */
async function readSettled(path: string): Promise<string | undefined> {
  for (let attempt = 0; ; attempt += 1) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    })
    if (text === undefined || parseHolder(text) !== undefined || attempt === 20) return text
    await delay(50)
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, identity }: Partial<Holder> = JSON.parse(text)
    if (typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && typeof identity === 'string') {
      return { pid, identity }
    }
  } catch {
    // The text is incomplete because of a crash, so it names no process.
  }
  return undefined
}

async function isHeld(holder: Holder, own: Holder): Promise<boolean> {
  // If the identity is unknown, a file with our own pid comes from an earlier process, as in a restarted container.
  if (holder.pid === own.pid && own.identity === '') return false
  return (await processIdentity(holder.pid)) === holder.identity
}

async function releaseOwn(path: string, content: string): Promise<void> {
  const current = await readFile(path, 'utf8').catch(() => undefined)
  if (current === content) await rm(path, { force: true })
}

function inUse(dataDir: string, holder: Holder): StartupError {
  return new StartupError(
    `Another Auth4Agent server (process ${holder.pid}) is using the data folder ${dataDir}: stop it first, or set ` +
      'AUTH4AGENT_DATA_DIR to another folder',
  )
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
