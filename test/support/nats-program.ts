import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { ensureInstalled } from './debian-package.ts'

const MISSING =
  'The tests need nats-server 2.10 or newer: install it with "apt-get install nats-server", or take it from ' +
  'https://nats.io/download and put it in your PATH.'

/**
 * The path of nats-server. Where it is missing and this is root on a Debian, it is installed first.
 * @throws Error with how to get it.
 */
export function ensureNatsServer(): Promise<string> {
  return ensureInstalled({ name: 'nats-server', find, missing: MISSING })
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
