import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readAllImports } from './read-imports.ts'

const ROOT = join(import.meta.dirname, '../..')
const imports = readAllImports()
const support = [...imports.keys()].filter((path) => path.startsWith('test/support/') && !path.endsWith('.test.ts'))

/** Returns whether helpers of this file cannot be in its folder, where all that is no test belongs to the product. */
const cannotHave = (user: string) => /^(?:services|clients)\//.test(user) || user.startsWith('test/support/')
const lineCount = (path: string) => readFileSync(join(ROOT, path), 'utf8').trimEnd().split('\n').length

/** Returns the files that import a file of test/support. */
function usersOf(path: string): readonly string[] {
  return [...imports].filter(([, targets]) => targets.includes(path)).map(([user]) => user)
}

it('no file of test/support has a single user that could have it in its own folder', () => {
  const misplaced = support.filter((path) => {
    const [user, ...others] = usersOf(path)
    return user !== undefined && others.length === 0 && !cannotHave(user)
  })
  expect(support.length).toBeGreaterThan(100)
  expect(misplaced).toEqual([])
})

it('no file of test/support has more than 250 lines', () => {
  expect(support.filter((path) => lineCount(path) > 250)).toEqual([])
})
