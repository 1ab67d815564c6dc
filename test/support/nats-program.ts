import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { isRoot } from '../../services/shared/db/embedded/account.ts'

const run = promisify(execFile)

const MISSING =
  'The tests need nats-server 2.10 or newer: install it with "apt-get install nats-server", or take it from ' +
  'https://nats.io/download and put it in your PATH.'

/**
 * The path of nats-server. Where it is missing and this is root on a Debian, it is installed first.
 * @throws Error with how to get it.
 */
export async function ensureNatsServer(): Promise<string> {
  const found = await find()
  if (found !== undefined) return found
  if (!isRoot()) throw new Error(MISSING)
  const failure = await install().then(
    () => undefined,
    (error: unknown) => error,
  )
  const installed = await find()
  if (installed === undefined) throw new Error(MISSING, { cause: failure })
  return installed
}

/** Debian puts it where only root's PATH looks. */
async function find(): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/bin']
  for (const folder of folders) {
    const path = join(folder, 'nats-server')
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isProgram) return path
  }
  return undefined
}

/** The lists of packages may be old or missing, so a failure is tried once more with new ones. */
async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: readonly string[]) => run('apt-get', args, { env })
  const attempt = () => apt('install', '-y', '--no-install-recommends', 'nats-server')
  await attempt().catch(async () => {
    await apt('update')
    await attempt()
  })
}
