import { ensureInstalled, findProgram } from './debian-package.ts'

/** Returns the path of libxml2's `xmllint`. Installs it if it is missing. */
export async function installXmllint(): Promise<string> {
  return ensureInstalled({
    name: 'libxml2-utils',
    find: () => findProgram('xmllint'),
    missing: 'xmllint is missing: apt-get install libxml2-utils',
  })
}
