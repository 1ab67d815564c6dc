import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { StartupError } from '../platform/errors/startup-error.ts'
import { childEnvironment } from './child-environment.ts'

const execute = promisify(execFile)
const run = (program: string, args: readonly string[]) => execute(program, args, { env: childEnvironment() })

/** The system user that runs PostgreSQL, which refuses to run as root. */
export type Account = { name: string; uid: number; gid: number }

/** Returns whether this process runs as root, so that PostgreSQL needs another account. */
export const isRoot = (): boolean => process.getuid?.() === 0

/**
 * Returns the account that runs PostgreSQL, or undefined if that is the user of this process. If this process runs as
 * root, returns the first account that exists: the owner of the cluster, the system user `postgres`, or the system
 * user `auth4agent`. If none of them exists, creates `auth4agent`.
 * @throws StartupError when no account exists and none can be created, or when this process is not root and the
 * cluster belongs to another user
 */
export async function accountFor(clusterDir: string): Promise<Account | undefined> {
  if (process.getuid === undefined) return undefined
  const owner = await ownerOf(clusterDir)
  if (isRoot()) return owner ?? (await systemAccount()) ?? createAccount()
  if (owner === undefined || owner.uid === process.getuid()) return undefined
  throw new StartupError(
    `The database in ${clusterDir} belongs to the user ${owner.name}: start as that user or as root, or set ` +
      'AUTH4AGENT_DATA_DIR to another folder',
  )
}

/**
 * Returns the account that `accountFor` would choose as root, without creating an account. If none exists, returns
 * `nobody`, because a new account would have no more access than `nobody`.
 */
export async function likelyAccount(clusterDir: string): Promise<Account> {
  return (await ownerOf(clusterDir)) ?? (await systemAccount()) ?? { name: 'nobody', uid: 65534, gid: 65534 }
}

/** Starts a process as `account` to test whether that user may enter the folder, or execute the file, at `path`. */
export async function canExecute(account: Account, path: string): Promise<boolean> {
  const { uid, gid } = account
  const child = spawn('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], {
    uid,
    gid,
    cwd: '/',
    env: childEnvironment(),
    stdio: 'ignore',
  })
  const [code]: (number | null)[] = await once(child, 'exit')
  return code === 0
}

/**
 * Returns the owner of an existing cluster. Returns undefined if there is no cluster, or if root owns it, because
 * PostgreSQL does not run as root.
 */
async function ownerOf(clusterDir: string): Promise<Account | undefined> {
  const found = await stat(clusterDir).catch(() => undefined)
  if (found === undefined || found.uid === 0) return undefined
  const { stdout } = await run('id', ['-un', String(found.uid)]).catch(() => ({ stdout: '' }))
  return { name: stdout.trim() || String(found.uid), uid: found.uid, gid: found.gid }
}

async function systemAccount(): Promise<Account | undefined> {
  return (await lookUp('postgres')) ?? (await lookUp('auth4agent'))
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { name, uid: Number.parseInt(uid.stdout, 10), gid: Number.parseInt(gid.stdout, 10) }
  } catch {
    return undefined
  }
}

async function createAccount(): Promise<Account> {
  const args = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'auth4agent']
  const failure = await run('useradd', args).then(
    () => undefined,
    (error: unknown) => error,
  )
  const created = await lookUp('auth4agent')
  if (created !== undefined) return created
  throw new StartupError(
    'PostgreSQL does not run as root, and the user auth4agent for it could not be created: start as an ordinary user, ' +
      'create a user named postgres or auth4agent, or set DATABASE_URL to your own database',
    { cause: failure },
  )
}
