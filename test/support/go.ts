import { ensureInstalled, findProgram } from './debian-package.ts'

/**
 * Returns the path of Go, which is installed first where it is missing.
 * @throws Error that says how to get it.
 */
export function ensureGo(): Promise<string> {
  return ensureInstalled({
    name: 'golang-go',
    find: () => findProgram('go'),
    missing: 'golang-go is missing: apt-get install golang-go',
  })
}
