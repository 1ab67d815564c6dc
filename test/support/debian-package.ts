import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { isRoot } from '../../services/embedded-postgres/account.ts'

const run = promisify(execFile)

/**
 * A program of a Debian package. `find` resolves with undefined if the program is missing. `missing` says how to get
 * it.
 */
interface DebianProgram<T> {
  readonly name: string
  readonly find: () => Promise<T | undefined>
  readonly missing: string
  /** Runs the installation, and does what the package needs before and after it. */
  readonly around?: (install: () => Promise<void>) => Promise<void>
}

/**
 * Returns the result of `find`. If the program is missing and this process is root on a Debian system, installs the
 * package first.
 * @throws Error that says how to get the program.
 */
export async function ensureInstalled<T>(program: DebianProgram<T>): Promise<T> {
  const { name, find, missing, around = (install) => install() } = program
  const found = await find()
  if (found !== undefined) return found
  if (!isRoot()) throw new Error(missing)
  const failure = await around(() => install(name)).then(
    () => undefined,
    (error: unknown) => error,
  )
  const installed = await find()
  if (installed === undefined) throw new Error(missing, { cause: failure })
  return installed
}

/**
 * Returns the path of a program; undefined if it is missing. Also looks in folders that are only in root's PATH on
 * Debian.
 */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/bin']
  for (const folder of folders) {
    const path = join(folder, name)
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isProgram) return path
  }
  return undefined
}

/** Installs a package. If that fails, updates the package lists, which may be old or missing, and tries again. */
async function install(name: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Another test file may run apt-get at the same time, so apt-get must wait for its lock.
  const apt = (...args: readonly string[]) => run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], { env })
  const attempt = () => apt('install', '-y', '--no-install-recommends', name)
  await attempt().catch(async () => {
    await apt('update')
    await attempt()
  })
}
