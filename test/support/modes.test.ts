import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { ONE_MODE_STORIES, SPLIT_STORIES } from '../e2e/stories.ts'
import { LONG } from '../long.ts'

const ROOT = join(import.meta.dirname, '../..')

it('every story runs in one process and on the cluster unless ONE_MODE_STORIES lists it', async () => {
  const stories = await Array.fromAsync(glob('test/e2e/**/*.test.ts', { cwd: ROOT }))
  const exceptions = Object.keys(ONE_MODE_STORIES)
  expect(exceptions.filter((path) => !stories.includes(path))).toEqual([])
  expect(stories.length - exceptions.length).toBeGreaterThan(exceptions.length)
})

it.each(Object.keys(LONG))('test/long.ts names only files that exist: %s', async (pattern) => {
  expect(await Array.fromAsync(glob(pattern, { cwd: ROOT }))).not.toEqual([])
})

it('npm test runs servers inside the process of the test', () => {
  expect(inject('mode')).toBe('inside')
})

it.each(SPLIT_STORIES)('SPLIT_STORIES names only stories that exist: %s', async (pattern) => {
  expect(await Array.fromAsync(glob(pattern, { cwd: ROOT }))).not.toEqual([])
})
