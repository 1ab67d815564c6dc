import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from '../../support/child-process.ts'
import { ensureInstalled, findProgram } from '../../support/debian-package.ts'

const MODULES = '/usr/lib/apache2/modules'
const NAMES = 'mpm_event authn_core authz_core authz_user setenvif headers macro proxy proxy_http auth_openidc'.split(
  ' ',
)

/** Starts a real Apache with a site's configuration. Resolves with a function that stops it. */
export async function startApache(site: string): Promise<() => Promise<void>> {
  const command = await installApache()
  const folder = await mkdtemp(join(tmpdir(), 'a4a-apache-'))
  // Apache gives up the rights of root before it serves.
  await chmod(folder, 0o755)
  const file = join(folder, 'apache2.conf')
  const [, address] = /<VirtualHost ([\d.:]+)>/.exec(site) ?? []
  const modules = NAMES.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  const own = `
    ServerRoot ${folder}
    DefaultRuntimeDir ${folder}
    PidFile ${folder}/pid
    ServerName localhost
    ErrorLog /dev/stderr
    User www-data
    Group www-data
    Listen ${address}`
  await writeFile(file, [...modules, own, site, ''].join('\n'))
  // Apache opens its log by a path, which a pipe has, but not the socket that Node.js gives it as standard error.
  const args = ['-c', 'exec "$0" "$@" 2> >(cat >&2)', command, '-D', 'FOREGROUND', '-f', file]
  const isReady = /resuming normal operations/
  const apache = await startProgram({ name: 'apache2', command: '/bin/bash', args, isReady })
  return async () => {
    await apache.end('SIGTERM')
    await rm(folder, { recursive: true })
  }
}

/** Returns the path of Apache. Installs it and mod_auth_openidc, where they are missing. */
async function installApache(): Promise<string> {
  const missing = 'The tests need Apache: apt-get install apache2 libapache2-mod-auth-openidc'
  const command = await ensureInstalled({ name: 'apache2', find: () => findProgram('apache2'), missing })
  await ensureInstalled({ name: 'libapache2-mod-auth-openidc', find: findModule, missing })
  return command
}

const findModule = async () => existsSync(join(MODULES, 'mod_auth_openidc.so')) || undefined
