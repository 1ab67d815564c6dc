import { access, chmod, constants, mkdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { StartupError } from '../platform/errors/startup-error.ts'
import { type Account, accountFor, canExecute, isRoot, likelyAccount } from './account.ts'

/** Where things are in a data folder. All paths absolute. */
export type DataFolder = { path: string; cluster: string; passwordFile: string }

/** The layout of the data folder `dataDir`. Touches nothing. */
function layoutOf(dataDir: string): DataFolder {
  const path = resolve(dataDir)
  return { path, cluster: join(path, 'postgres'), passwordFile: join(path, 'postgres-password') }
}

/**
 * The data folder to use when none is configured: `data` in the checkout; for root in a checkout that PostgreSQL's
 * unprivileged user cannot enter, `/var/lib/auth4agent`. Creates nothing.
 */
export async function defaultDataDir(checkoutDir: string): Promise<string> {
  const inCheckout = join(resolve(checkoutDir), 'data')
  if (!isRoot()) return inCheckout
  const account = await likelyAccount(layoutOf(inCheckout).cluster)
  return (await canExecute(account, checkoutDir)) ? inCheckout : '/var/lib/auth4agent'
}

/**
 * Creates the data folder where it is missing and makes sure that PostgreSQL can get to its cluster.
 * @returns the folder under its real path, so that everyone names it alike, and the account that PostgreSQL runs as
 * (undefined: this process's own user).
 * @throws StartupError when the folder cannot be created or written to, or that account cannot enter it.
 */
export async function openDataFolder(dataDir: string): Promise<{ folder: DataFolder; account: Account | undefined }> {
  const folder = layoutOf(await usable(dataDir, () => createFolder(resolve(dataDir))))
  const account = await accountFor(folder.cluster)
  await usable(folder.path, () => access(folder.path, constants.W_OK))
  if (account === undefined || (await canExecute(account, folder.path))) return { folder, account }
  throw new StartupError(
    `PostgreSQL does not run as root but as the user ${account.name}, who cannot enter the data folder ${folder.path}: ` +
      'set AUTH4AGENT_DATA_DIR to a folder that others may enter, such as /var/lib/auth4agent, or start as an ' +
      'ordinary user.',
  )
}

/** As root the folders made here may be entered by others, whatever the umask; what is secret in them is 0600. */
async function createFolder(path: string): Promise<string> {
  const firstCreated = await mkdir(path, { recursive: true, mode: 0o700 })
  if (firstCreated !== undefined && isRoot()) {
    for (let folder = path; folder.length >= firstCreated.length; folder = dirname(folder)) await chmod(folder, 0o711)
  }
  return realpath(path)
}

async function usable<T>(path: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(
      `The data folder ${path} cannot be used (${reason}): set AUTH4AGENT_DATA_DIR to a folder that can be written to.`,
      { cause: error },
    )
  }
}
