import { chmod, mkdtemp, realpath, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { StartupError } from '../platform/errors/startup-error.ts'
import { type Account, accountFor, canExecute, isRoot, likelyAccount } from './account.ts'
import { makeFolders } from './make-folders.ts'

/** Absolute paths in a data folder. */
export type DataFolder = { path: string; cluster: string; passwordFile: string }

/** Returns the paths in the data folder `dataDir`. Creates nothing. */
function layoutOf(dataDir: string): DataFolder {
  const path = resolve(dataDir)
  return { path, cluster: join(path, 'postgres'), passwordFile: join(path, 'postgres-password') }
}

/**
 * Returns the default data folder: `data` in the checkout. If this process runs as root, and the unprivileged user of
 * PostgreSQL cannot enter the checkout, the folder is `/var/lib/auth4agent`. Creates nothing.
 */
export async function defaultDataDir(checkoutDir: string): Promise<string> {
  const inCheckout = join(resolve(checkoutDir), 'data')
  if (!isRoot()) return inCheckout
  const account = await likelyAccount(layoutOf(inCheckout).cluster)
  return (await canExecute(account, checkoutDir)) ? inCheckout : '/var/lib/auth4agent'
}

/**
 * Creates the data folder if it is missing and checks that PostgreSQL can reach its cluster.
 * @returns the folder under its real path, so that every process uses the same name. Also returns the account that
 * runs PostgreSQL, or undefined if that is the user of this process
 * @throws StartupError when the folder cannot be created or written to, or the account cannot enter it
 */
export async function openDataFolder(dataDir: string): Promise<{ folder: DataFolder; account: Account | undefined }> {
  const folder = layoutOf(await createDataFolder(dataDir))
  const account = await accountFor(folder.cluster)
  if (account === undefined || (await canExecute(account, folder.path))) return { folder, account }
  throw new StartupError(
    `PostgreSQL does not run as root but as the user ${account.name}, who cannot enter the data folder ${folder.path}: ` +
      'set AUTH4AGENT_DATA_DIR to a folder that others may enter, such as /var/lib/auth4agent, or start as an ' +
      'ordinary user',
  )
}

/**
 * Creates the data folder if it is missing and checks that it is writable. If this process runs as root, lets other
 * users enter the new folders, independent of the umask, because the user of PostgreSQL must enter them. Secret files
 * in them have mode 0600.
 * @returns its real path
 * @throws StartupError when the folder cannot be created or written to
 */
export async function createDataFolder(dataDir: string): Promise<string> {
  try {
    const created = await makeFolders(resolve(dataDir), 0o700)
    if (isRoot()) for (const folder of created) await chmod(folder, 0o711)
    const path = await realpath(dataDir)
    // Try to write. Permissions do not show whether it works, because root cannot write to a read-only disk or /proc.
    await rmdir(await mkdtemp(join(path, '.write-check-')))
    return path
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(
      `The data folder ${dataDir} cannot be used (${reason}): set AUTH4AGENT_DATA_DIR to a writable folder`,
      { cause: error },
    )
  }
}
