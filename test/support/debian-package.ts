import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { isRoot } from '../../services/embedded-postgres/account.ts'

const run = promisify(execFile)

/**
 * A program of a Debian package. `find` resolves with undefined if it is missing, and `missing` says how to get it.
 */
interface DebianProgram<T> {
  readonly name: string
  readonly find: () => Promise<T | undefined>
  readonly missing: string
}

/**
 * Returns what `find` finds. If it finds nothing and this process is root on a Debian, installs the package first.
 * @throws Error that says how to get the program.
 */
export async function ensureInstalled<T>({ name, find, missing }: DebianProgram<T>): Promise<T> {
  const found = await find()
  if (found !== undefined) return found
  if (!isRoot()) throw new Error(missing)
  const failure = await install(name).then(
    () => undefined,
    (error: unknown) => error,
  )
  const installed = await find()
  if (installed === undefined) throw new Error(missing, { cause: failure })
  return installed
}

/**
 * Returns the path of a program; undefined if it is missing. Debian puts some programs where only root's PATH looks.
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

/** Installs a package. The package lists may be old or missing, so it updates them after a failure and tries again. */
async function install(name: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Another test file may be running apt-get too.
  const apt = (...args: readonly string[]) => run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], { env })
  const attempt = () => apt('install', '-y', '--no-install-recommends', name)
  await attempt().catch(async () => {
    await apt('update')
    await attempt()
  })
}
