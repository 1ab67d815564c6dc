import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { openClient } from '../platform/db/session.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { childEnvironment } from './child-environment.ts'
import type { DataFolder } from './data-folder.ts'

const run = promisify(execFile)

/** Name of the database and of its owner, the superuser of the cluster. */
export const DATABASE = 'auth4agent'

/**
 * Creates the cluster (UTF-8, C locale, SCRAM passwords) and its password if they are missing. If a start is killed
 * while it creates a cluster, a later start does not use the partial cluster. The caller must hold the lock of the
 * data folder.
 * @returns the superuser's password
 * @throws StartupError when the password of an existing cluster is missing, or initdb fails
 */
export async function ensureCluster(folder: DataFolder, binaries: Binaries, account?: Account): Promise<string> {
  if (await exists(folder.cluster)) return existingPassword(folder)
  const password = (await readPassword(folder)) ?? (await createPassword(folder))
  const partial = `${folder.cluster}-partial`
  const passwordCopy = `${folder.passwordFile}-initdb`
  try {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { mode: 0o700 })
    await writeFile(passwordCopy, password, { mode: 0o600 })
    if (account !== undefined) {
      await chown(partial, account.uid, account.gid)
      await chown(passwordCopy, account.uid, account.gid)
    }
    await initdb(binaries, partial, passwordCopy, account)
  } finally {
    await rm(passwordCopy, { force: true })
  }
  await rename(partial, folder.cluster)
  await syncFolder(folder.path)
  return password
}

/**
 * Creates the database if it is missing. PostgreSQL must be ready.
 * @param url of the database
 */
export async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  const client = await openClient({ url: maintenance.href, name: 'auth4agent', connectionTimeoutMillis: 10_000 })
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(DATABASE)}`)
  } finally {
    await client.end()
  }
}

async function initdb(binaries: Binaries, target: string, passwordFile: string, account?: Account): Promise<void> {
  const args = ['--pgdata', target, '--username', DATABASE, '--pwfile', passwordFile]
  const settings = ['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale']
  try {
    await run(binaries.initdb, [...args, ...settings], {
      cwd: binaries.root,
      env: childEnvironment(),
      windowsHide: true,
      ...(account && { uid: account.uid, gid: account.gid }),
    })
  } catch (error) {
    const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    const reason = text || (error instanceof Error ? error.message : String(error))
    throw new StartupError(`The embedded database could not be created in ${target}: ${reason}`, { cause: error })
  }
}

async function existingPassword(folder: DataFolder): Promise<string> {
  const password = await readPassword(folder)
  if (password !== undefined) return password
  throw new StartupError(
    `The file ${folder.passwordFile} with the password of the database in ${folder.cluster} is missing: restore it`,
  )
}

async function readPassword(folder: DataFolder): Promise<string | undefined> {
  if (!(await exists(folder.passwordFile))) return undefined
  return (await readFile(folder.passwordFile, 'utf8')).trim()
}

/** Writes the password file completely or not at all. A cluster needs this file, so the file is created first. */
async function createPassword(folder: DataFolder): Promise<string> {
  const password = randomBytes(32).toString('base64url')
  const partial = `${folder.passwordFile}-partial`
  await rm(partial, { force: true })
  await writeFile(partial, `${password}\n`, { mode: 0o600, flush: true })
  await rename(partial, folder.passwordFile)
  return password
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    },
  )
