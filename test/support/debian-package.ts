import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { isRoot } from '../../services/embedded-postgres/account.ts'

const run = promisify(execFile)

/** A program of a Debian package. `find` answers undefined where it is missing, and `missing` says how to get it. */
interface DebianProgram<T> {
  readonly name: string
  readonly find: () => Promise<T | undefined>
  readonly missing: string
}

/**
 * What `find` answers. Where that is nothing and this is root on a Debian, the package is installed first.
 * @throws Error with how to get it.
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

/** The path of a program; undefined where it is missing. Debian puts some where only root's PATH looks. */
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

/** The lists of packages may be old or missing, so a failure is tried once more with new ones. */
async function install(name: string): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Another test file may be at it.
  const apt = (...args: readonly string[]) => run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], { env })
  const attempt = () => apt('install', '-y', '--no-install-recommends', name)
  await attempt().catch(async () => {
    await apt('update')
    await attempt()
  })
}
