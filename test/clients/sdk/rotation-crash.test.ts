import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { createAgent, openCalls } from '@auth4agent/sdk'
import { createKeyFile, keyFileStore, readKeyFile } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Task } from './rotation-program.ts'
import { startWorld, type World } from './world.ts'

const PROGRAM = join(import.meta.dirname, 'rotation-program.ts')
/** More steps than a rotation has. */
const MANY = 200
const AT_ONCE = 4
const run = promisify(execFile)

let world: World
let folder: string

beforeAll(async () => {
  world = await startWorld()
  folder = await mkdtemp(join(tmpdir(), 'a4a-crash-'))
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Registers an agent whose key is in a file of its own folder. Rotates it `times` before the test. */
async function newAgent(name: string, times: number): Promise<Pick<Task, 'server' | 'did' | 'path'>> {
  const path = join(folder, name, 'agent.key')
  const { publicKey } = await createKeyFile(path)
  const { did } = await world.operator.agents.register({ publicKey })
  const task = { server: world.url, did, path }
  for (let done = 0; done < times; done += 1) await rotate(task)
  return task
}

async function rotate(task: Task): Promise<{ readonly steps: number; readonly seq?: number; readonly error?: string }> {
  const { stdout } = await run(process.execPath, [PROGRAM, JSON.stringify(task)])
  return JSON.parse(stdout)
}

/** Expects that the files contain exactly the identity key and the committed key of the agent's log. */
async function expectSettled({ did, path }: Task): Promise<number> {
  const { kid, next, state } = await openCalls({ server: world.url }).keyEvents(did)
  expect(signerKid(await readKeyFile(path))).toBe(kid)
  expect(signerKid(await readKeyFile(`${path}.next`))).toBe(next)
  const names = await readdir(join(path, '..'))
  const keys = names.filter((name) => !name.includes('.lock'))
  expect(keys.toSorted()).toEqual(['agent.key', 'agent.key.next'])
  for (const name of keys) expect((await stat(join(path, '..', name))).mode & 0o777).toBe(0o600)
  return state?.seq ?? -1
}

describe.each([
  ['without a commitment', 0],
  ['with a commitment', 1],
])('a rotation of an agent %s', (_name, before) => {
  it('loses no key if the process is killed at any step, and the next process goes on', async () => {
    const { steps } = await rotate({ ...(await newAgent(`${before}-whole`, before)), stopAt: MANY })
    expect(steps).toBeGreaterThan(20)
    const stops = Array.from({ length: steps }, (_, index) => index + 1)
    const tryStop = async (stopAt: number) => {
      const task = await newAgent(`${before}-${stopAt}`, before)
      await expect(rotate({ ...task, stopAt })).rejects.toMatchObject({ signal: 'SIGKILL' })
      // An agent that only reads the files can get tokens, whichever key is the identity key now.
      const reader = createAgent({ server: task.server, did: task.did, key: keyFileStore(task.path) })
      await expect(reader.token()).resolves.toBeTypeOf('string')
      reader.close()
      expect(await rotate(task)).not.toHaveProperty('error')
      const seq = await expectSettled(task)
      expect([before + 1, before + 2]).toContain(seq)
      return seq
    }
    const seqs: number[] = []
    for (let done = 0; done < stops.length; done += AT_ONCE) {
      seqs.push(...(await Promise.all(stops.slice(done, done + AT_ONCE).map(tryStop))))
    }
    // Before the event was sent, the second process rotates once. After that, the first rotation counts too.
    expect(new Set(seqs)).toEqual(new Set([before + 1, before + 2]))
  })
})

describe('a rotation whose answer is lost', () => {
  it('sends the event again, and the server answers with its place in the log', async () => {
    const task = await newAgent('lost-once', 0)
    expect(await rotate({ ...task, lostAnswers: 1 })).toMatchObject({ seq: 1 })
    expect(await expectSettled(task)).toBe(1)
  })

  it('fails after 4 attempts, the agent continues with the new key, and the next process notices it', async () => {
    const task = await newAgent('lost-always', 0)
    expect(await rotate({ ...task, lostAnswers: 9 })).toMatchObject({ error: expect.stringContaining('lost') })
    expect(await rotate(task)).toMatchObject({ seq: 2 })
    expect(await expectSettled(task)).toBe(2)
  })
})
