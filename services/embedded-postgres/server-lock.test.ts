import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processIdentity } from './process-identity.ts'
import { acquireServerLock } from './server-lock.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-lock-'))
  file = join(folder, 'server.pid')
})

afterEach(() => rm(folder, { recursive: true }))

async function pidOfEndedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid ?? 0
}

describe('acquireServerLock', () => {
  it('creates a file that identifies this process, and removes it when the lock is released once or twice', async () => {
    const lock = await acquireServerLock(folder)
    const holder = { pid: process.pid, identity: await processIdentity(process.pid) }
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(holder)
    await lock.release()
    await lock.release()
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a folder that a running process uses, and names the pid of that process', async () => {
    const parent = { pid: process.ppid, identity: await processIdentity(process.ppid) }
    await writeFile(file, JSON.stringify(parent))
    await expect(acquireServerLock(folder)).rejects.toThrow(
      `(process ${process.ppid}) is using the data folder ${folder}`,
    )
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(parent)
  })

  it.each([
    ['of a process that has ended', async () => JSON.stringify({ pid: await pidOfEndedProcess(), identity: 'gone' })],
    [
      'whose pid now belongs to another process',
      async () => JSON.stringify({ pid: process.ppid, identity: 'earlier' }),
    ],
    ['of an earlier process with our own pid', async () => JSON.stringify({ pid: process.pid, identity: 'earlier' })],
    ['that is incomplete because of a crash', async () => '{"pid":1'],
    ['that is empty because of a crash', async () => ''],
    ['that names no process', async () => '{"pid":-1,"identity":""}'],
  ])('replaces a file %s', async (_name, content) => {
    await writeFile(file, await content())
    await acquireServerLock(folder)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid })
    expect(await readdir(folder)).toEqual(['server.pid'])
  })

  it('gives the folder to exactly one of several starts that find the same stale file', async () => {
    await writeFile(file, JSON.stringify({ pid: process.ppid, identity: 'earlier' }))
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => acquireServerLock(folder)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await readdir(folder)).toEqual(['server.pid'])
  })

  it('does not remove the file of another process when the lock is released', async () => {
    const lock = await acquireServerLock(folder)
    await writeFile(file, 'of another')
    await lock.release()
    expect(await readFile(file, 'utf8')).toBe('of another')
  })
})
