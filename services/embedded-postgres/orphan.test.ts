import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateBinaries } from './binaries.ts'
import { stopOrphan } from './orphan.ts'
import { processIdentity } from './process-identity.ts'

let cluster: string
let bystander: ChildProcess

/** Starts a process whose command line ends with `args`. */
async function startBystander(...args: string[]): Promise<number> {
  bystander = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (bystander.stdout === null || bystander.pid === undefined) throw new Error('not started')
  await once(bystander.stdout, 'data')
  return bystander.pid
}

beforeEach(async () => {
  cluster = await mkdtemp(join(tmpdir(), 'a4a-orphan-'))
})

afterEach(async () => {
  bystander.kill('SIGKILL')
  await rm(cluster, { recursive: true })
})

const stop = async (pid: number): Promise<number | undefined> => {
  await writeFile(join(cluster, 'postmaster.pid'), `${pid}\n${cluster}\n1760000000\n5432\n`)
  return stopOrphan(cluster, await locateBinaries())
}

describe('stopOrphan', () => {
  it('sends SIGINT to the PostgreSQL of this cluster and waits until it has ended', async () => {
    const pid = await startBystander('postgres', '-D', cluster, '-c', 'port=1')
    const exited = once(bystander, 'exit')
    expect(await stop(pid)).toBe(pid)
    expect(await exited).toEqual([null, 'SIGINT'])
  })

  it('removes a postmaster.pid that names another program, and does not stop that program', async () => {
    const pid = await startBystander('something', 'else')
    expect(await stop(pid)).toBeUndefined()
    expect(await processIdentity(pid)).toBeDefined()
    expect(await readdir(cluster)).toEqual([])
  })

  it('does not stop the PostgreSQL of another folder and keeps postmaster.pid', async () => {
    const pid = await startBystander('postgres', '-D', `${cluster}-other`, '-c', 'port=1')
    expect(await stop(pid)).toBeUndefined()
    expect(await processIdentity(pid)).toBeDefined()
    expect(await readdir(cluster)).toEqual(['postmaster.pid'])
  })

  it('keeps the postmaster.pid of a PostgreSQL that has ended', async () => {
    const pid = await startBystander('postgres', '-D', cluster, '-c', 'port=1')
    const exited = once(bystander, 'exit')
    bystander.kill('SIGKILL')
    await exited
    expect(await stop(pid)).toBeUndefined()
    expect(await readdir(cluster)).toEqual(['postmaster.pid'])
  })
})
