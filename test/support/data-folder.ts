import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processIdentity } from '../../services/embedded-postgres/process-identity.ts'
import { guardFolder } from './guardian.ts'

/** A scratch folder for a server's data. It is removed by `remove`, or when the test process ends. */
export interface DataFolder {
  readonly path: string
  /** Returns the process id of the PostgreSQL that runs on it; undefined if none does. */
  postmasterPid(): Promise<number | undefined>
  remove(): Promise<void>
}

/** Creates an empty data folder. */
export async function createDataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), 'a4a-data-'))
  // When root starts it, PostgreSQL runs as another user, who must be able to enter.
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
 * Tells whether a process with this id runs, of any user. A process that has ended and waits to be reaped does not
 * run.
 */
export async function isRunning(pid: number): Promise<boolean> {
  return (await processIdentity(pid)) !== undefined
}
