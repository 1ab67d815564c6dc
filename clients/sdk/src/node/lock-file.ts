import { randomUUID } from 'node:crypto'
import { readlink, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { configurationError } from './files.ts'
import { isCode, type KeyFiles } from './key-files.ts'

/** A lock that this process holds. */
export interface HeldLock {
  /** Rejects if another process has taken the lock, because this process did not run for a long time. */
  expectHeld(): Promise<void>
  release(): Promise<void>
}

/** The process that holds a lock. */
interface Holder {
  /** A text for each time that a process has taken a lock. */
  readonly id: string
  readonly pid: number
  /** The machine, and on Linux the container: only there the number of the process means something. */
  readonly place: string
}

/** How long to wait for another process, in milliseconds. */
const WAIT_MS = 60_000
const LOOK_MS = 50
/** A lock that its holder has not touched for this time is abandoned. The holder touches it four times as often. */
const STALE_MS = 60_000
const TOUCH_MS = STALE_MS / 4

/**
 * Takes a lock that is a file, so that one process at a time works. Takes it over from a process that has ended. Waits
 * at most a minute, then rejects with CONFIGURATION.
 */
export async function takeLock(path: string, files: KeyFiles): Promise<HeldLock> {
  const holder: Holder = { id: randomUUID(), pid: process.pid, place: await placeOfProcess() }
  const text = JSON.stringify(holder)
  const create = () => files.create(path, text, `${path}.${holder.id}`)
  for (const startMs = performance.now(); !(await create()); ) {
    if (await takeOver(path, files, holder.place)) continue
    if (performance.now() - startMs > WAIT_MS)
      throw configurationError(`Another process holds the lock ${path}: remove the file if no such process runs`)
    await pause(LOOK_MS * (1 + Math.random()))
  }
  const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), TOUCH_MS)
  touch.unref()
  const isHeld = async () => (await files.read(path)) === text
  return {
    async expectHeld() {
      if (!(await isHeld())) throw configurationError(`Another process has taken over the lock ${path}`)
    },
    async release() {
      clearInterval(touch)
      if (await isHeld()) await files.remove(path)
    },
  }
}

/** Removes the lock of a process that has ended. Returns false if the process may still run. */
async function takeOver(path: string, files: KeyFiles, place: string): Promise<boolean> {
  const text = await files.read(path)
  if (text === undefined) return true
  if (!(await isAbandoned(path, text, place))) return false
  // Another process may have taken the lock over since. The new name belongs to this process alone.
  const moved = `${path}.${randomUUID()}`
  try {
    await files.rename(path, moved)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return true
    throw error
  }
  const found = await files.read(moved)
  if (found !== text && found !== undefined) await files.create(path, found, `${moved}.back`)
  await files.remove(moved)
  return found === text
}

async function isAbandoned(path: string, text: string, place: string): Promise<boolean> {
  const { pid, place: holdersPlace } = readHolder(text)
  if (holdersPlace === place && pid !== undefined && !isRunning(pid)) return true
  const touched = await stat(path).catch(() => undefined)
  return touched !== undefined && Date.now() - touched.mtimeMs > STALE_MS
}

function readHolder(text: string): Partial<Holder> {
  try {
    const { pid, place } = Object(JSON.parse(text))
    return { ...(Number.isInteger(pid) && { pid }), ...(typeof place === 'string' && { place }) }
  } catch {
    return {}
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isCode(error, 'ESRCH')
  }
}

async function placeOfProcess(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return `${hostname()} ${namespace}`
}
