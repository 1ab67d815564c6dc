import { chmod, mkdtemp, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processIdentity } from '../../services/embedded-postgres/process-identity.ts'
import { guardFolder } from './guardian.ts'

/** A temporary folder for a server's data. `remove` removes it, and so does the end of the test process. */
export interface DataFolder {
  readonly path: string
  /** Returns the process id of the PostgreSQL that runs on this folder; undefined if none runs. */
  postmasterPid(): Promise<number | undefined>
  remove(): Promise<void>
}

const MEMORY = '/dev/shm'
const TMPFS = 0x0102_1994
const ROOM_BYTES = 2 * 1024 ** 3

/**
 * Returns the folder of the memory file system if it has room for the database of a run, otherwise the folder for
 * temporary files. A copy of the template database takes a sixth of the time in memory.
 */
export async function fastFolder(): Promise<string> {
  const found = await statfs(MEMORY).catch(() => undefined)
  const hasRoom = found?.type === TMPFS && found.bavail * found.bsize >= ROOM_BYTES
  return hasRoom ? MEMORY : tmpdir()
}

/** Creates an empty data folder in the folder `parent`. */
export async function createDataFolder(parent = tmpdir()): Promise<DataFolder> {
  const path = await mkdtemp(join(parent, 'a4a-data-'))
  // If root starts PostgreSQL, it runs as another user. That user must be able to enter the folder.
  await chmod(path, 0o711)
  const removed = guardFolder(path)
  return {
    path,
    async postmasterPid() {
      const text = await readFile(join(path, 'postgres/postmaster.pid'), 'utf8').catch(() => '')
      const pid = Number.parseInt(text, 10)
      return pid > 0 ? pid : undefined
    },
    async remove() {
      await rm(path, { recursive: true, force: true })
      removed()
    },
  }
}

/**
 * Tells whether a process with this id runs, whatever its user is. A process that has ended and that its parent has
 * not reaped yet does not count as running.
 */
export async function isRunning(pid: number): Promise<boolean> {
  return (await processIdentity(pid)) !== undefined
}
