import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { StartupError } from '../platform/errors/startup-error.ts'
import { childEnvironment } from './child-environment.ts'

const execute = promisify(execFile)
const run = (program: string, args: readonly string[]) => execute(program, args, { env: childEnvironment() })

/** A user of the system that PostgreSQL runs as, because it refuses to run as root. */
export type Account = { name: string; uid: number; gid: number }

/** Whether this process has root's rights, so that PostgreSQL needs an account of its own. */
export const isRoot = (): boolean => process.getuid?.() === 0

/**
 * The account to run PostgreSQL as: undefined for the user of this process itself, which is everyone but root. An
 * existing cluster keeps its owner; else it is the system's `postgres` user, else `auth4agent`, which is created.
 * @throws StartupError when no such user exists and none can be created, or the cluster is another user's.
 */
export async function accountFor(clusterDir: string): Promise<Account | undefined> {
  if (process.getuid === undefined) return undefined
  const owner = await ownerOf(clusterDir)
  if (isRoot()) return owner ?? (await systemAccount()) ?? createAccount()
  if (owner === undefined || owner.uid === process.getuid()) return undefined
  throw new StartupError(
    `The database in ${clusterDir} belongs to the user ${owner.name}: start as that user or as root, or set ` +
      'AUTH4AGENT_DATA_DIR to another folder.',
  )
}

/** The user that `accountFor` would choose as root, without creating one: then any unprivileged user stands in for it. */
export async function likelyAccount(clusterDir: string): Promise<Account> {
  return (await ownerOf(clusterDir)) ?? (await systemAccount()) ?? { name: 'nobody', uid: 65534, gid: 65534 }
}

/** Whether `account` may enter (a folder) or execute (a file) `path`: asked of the system by a process of that user. */
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

/** The owner of a cluster that exists; undefined when there is none, or it is root's and so no PostgreSQL's. */
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
      'create a user named postgres or auth4agent, or set DATABASE_URL to a database of your own.',
    { cause: failure },
  )
}
