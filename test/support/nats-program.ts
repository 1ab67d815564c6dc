import { ensureInstalled, findProgram } from './debian-package.ts'

const MISSING =
  'The tests need nats-server 2.10 or newer: install it with "apt-get install nats-server", or take it from ' +
  'https://nats.io/download and put it in your PATH.'

/**
 * The path of nats-server. Where it is missing and this is root on a Debian, it is installed first.
 * @throws Error with how to get it.
 */
export function ensureNatsServer(): Promise<string> {
  return ensureInstalled({ name: 'nats-server', find: () => findProgram('nats-server'), missing: MISSING })
}
