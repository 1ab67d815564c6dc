import { ensureInstalled, findProgram } from './debian-package.ts'

const MISSING =
  'The tests need nats-server 2.10 or newer. Install it with "apt-get install nats-server", or download it from ' +
  'https://nats.io/download and put it in your PATH.'

/**
 * Returns the path of nats-server. If it is missing and this process is root on a Debian, installs it first.
 * @throws Error that says how to get it.
 */
export function ensureNatsServer(): Promise<string> {
  return ensureInstalled({ name: 'nats-server', find: () => findProgram('nats-server'), missing: MISSING })
}
