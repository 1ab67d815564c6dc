import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled } from './debian-package.ts'

/** Debian's Python, which has the Debian packages. */
export const PYTHON = '/usr/bin/python3'
const PACKAGES = '/usr/lib/python3/dist-packages'

/** Installs Authlib and the HTTP client that it uses, where they are missing. */
export async function installAuthlib(): Promise<void> {
  await install('python3-authlib', 'authlib')
  await install('python3-requests', 'requests')
}

/** Installs PyJWT and the package that verifies its signatures, where they are missing. */
export async function installPyJwt(): Promise<void> {
  await install('python3-jwt', 'jwt')
  await install('python3-cryptography', 'cryptography')
}

/** Installs networkx, where it is missing. */
export async function installNetworkx(): Promise<void> {
  await install('python3-networkx', 'networkx')
}

async function install(name: string, module: string): Promise<void> {
  const find = async () => existsSync(join(PACKAGES, module, '__init__.py')) || undefined
  await ensureInstalled({ name, find, missing: `${name} is missing: apt-get install ${name}` })
}
