import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { removeAddressFile, writeAddressFile } from './address-file.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-address-'))
  path = join(folder, 'proxy')
})
afterEach(() => rm(folder, { recursive: true }))

it('writeAddressFile replaces a file that others can read by a file that only its owner can read', async () => {
  await writeFile(path, 'old', { mode: 0o666 })
  await writeAddressFile(path, 'http://127.0.0.1:1/a')
  expect(await readFile(path, 'utf8')).toBe('http://127.0.0.1:1/a\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['proxy'])
})

it('writeAddressFile does not write through a link', async () => {
  const other = join(folder, 'other')
  await writeFile(other, 'theirs', { mode: 0o666 })
  await symlink(other, path)
  await writeAddressFile(path, 'http://127.0.0.1:1/a')
  expect(await readFile(other, 'utf8')).toBe('theirs')
})

it('removeAddressFile removes the file only if it contains this address', async () => {
  await writeAddressFile(path, 'http://127.0.0.1:1/a')
  await removeAddressFile(path, 'http://127.0.0.1:2/b')
  expect(await readdir(folder)).toEqual(['proxy'])
  await removeAddressFile(path, 'http://127.0.0.1:1/a')
  expect(await readdir(folder)).toEqual([])
  await removeAddressFile(path, 'http://127.0.0.1:1/a')
})
