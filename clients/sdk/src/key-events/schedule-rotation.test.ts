import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { signInception, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FakeClock, fakeClock } from '../../../../test/support/sdk/clock.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/support/sdk/issuer.ts'
import { KeyLogServer } from '../../../../test/support/sdk/key-log.ts'
import type { Agent, AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import { createKeyFile, keyFileStore, readKeyFile } from '../node/index.ts'
import { proving } from './key-changes.ts'
import { ageS, type KeyRotation } from './schedule-rotation.ts'

const DAY_MS = 86_400_000
const AGE_S = 30 * 86_400

let folder: string
let path: string
let issuer: FakeIssuer
let clock: FakeClock
let log: KeyLogServer
let rotations: KeyRotation[]
let agents: Agent[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-rotation-'))
  path = join(folder, 'agent.key')
  issuer = await startIssuer()
  clock = fakeClock()
  log = new KeyLogServer((await createKeyFile(path)).publicKey)
  log.now = () => clock.wallMs()
  rotations = []
  agents = []
})
afterEach(async () => {
  for (const agent of agents) agent.close()
  await issuer[Symbol.asyncDispose]()
  // A rotation in the background may still write its last file.
  await rm(folder, { recursive: true, maxRetries: 5, retryDelay: 50 })
})

const agentOf = (options: Partial<AgentOptions> = {}) => {
  const agent = createAgent(
    {
      server: issuer.url,
      did: log.did,
      key: keyFileStore(path),
      keyRotation: '30d',
      onKeyRotation: (rotation) => rotations.push(rotation),
      fetch: log.fetch,
      ...options,
    },
    clock,
  )
  agents.push(agent)
  return agent
}

/** Uses an agent for the first time, and waits until it has read the log and set its timer. */
async function begin(agent: Agent): Promise<void> {
  await agent.clientAssertion()
  await expect.poll(() => clock.next()).toBeDefined()
}

/** Moves the clock until a rotation or failure was reported. The timers of the schedule are at most a day long. */
async function untilReported(count: number): Promise<void> {
  for (let steps = 0; rotations.length < count && steps < 200; steps += 1) {
    await expect.poll(() => clock.next() !== undefined || rotations.length >= count).toBe(true)
    clock.advance(clock.next() ?? 0)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await expect.poll(() => rotations.length).toBe(count)
}

describe('createAgent with keyRotation', () => {
  it('rotates the key when it has its age, and commits to the next key', async () => {
    const startMs = clock.wallMs()
    await begin(agentOf())
    const first = log.state.kid
    await untilReported(1)
    const age = log.state.iat * 1000 - startMs
    expect(age).toBeGreaterThan(30 * DAY_MS - 60_000)
    expect(age).toBeLessThan(33 * DAY_MS + 60_000)
    expect(rotations).toEqual([{ ok: true, kid: log.state.kid, next: log.state.next, seq: 1 }])
    expect(log.state.kid).not.toBe(first)
    const files = await Promise.all([path, `${path}.next`].map(readKeyFile))
    expect(files.map(signerKid)).toEqual([log.state.kid, log.state.next])
    await untilReported(2)
    expect(log.state).toMatchObject({ seq: 2, kid: signerKid(files[1] ?? expect.fail()) })
  })

  it('rotates at once if the key is older than its age when the agent begins', async () => {
    clock.sleep(40 * DAY_MS)
    await agentOf().clientAssertion()
    await expect.poll(() => rotations).toMatchObject([{ ok: true, seq: 1 }])
  })

  it('sends nothing before the agent is used, and nothing after it was closed', async () => {
    agentOf()
    const used = agentOf()
    await begin(used)
    expect(log.count('read log')).toBe(1)
    used.close()
    clock.advance(100 * DAY_MS)
    expect([log.count('read log'), log.count('append event')]).toEqual([1, 0])
  })

  it('reports a failure, continues with the old key, and tries again', async () => {
    const agent = agentOf()
    await begin(agent)
    log.next('append event', { refusal: { status: 409, reason: 'AGENT_PENDING' } })
    await untilReported(1)
    expect(rotations).toMatchObject([{ ok: false, error: { reason: 'AGENT_PENDING' }, retryInS: 45 }])
    expect(signerKid(await readKeyFile(path))).toBe(log.state.kid)
    await expect(agent.token()).resolves.toBeTypeOf('string')
    await untilReported(2)
    expect(rotations[1]).toMatchObject({ ok: true, seq: 1 })
  })

  it('waits longer after each failure, at most an hour, and as long as the server asks', async () => {
    await begin(agentOf())
    log.next('read log', ...Array.from({ length: 9 }, () => ({ refusal: { status: 404, reason: 'AGENT_NOT_FOUND' } })))
    await untilReported(9)
    const waits = rotations.map((rotation) => !rotation.ok && rotation.retryInS)
    expect(waits).toEqual([45, 90, 180, 360, 720, 1440, 2880, 3600, 3600])
  })

  it('stops trying if the log is full', async () => {
    await begin(agentOf())
    log.next('append event', { refusal: { status: 409, reason: 'KEY_EVENT_LIMIT' } })
    await untilReported(1)
    expect(rotations).toMatchObject([{ ok: false, retryInS: undefined }])
    expect(clock.next()).toBeUndefined()
  })

  it('warns through the process if a rotation fails and nobody listens', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    log.next('read log', { refusal: { status: 404, reason: 'AGENT_NOT_FOUND' } })
    await agentOf({ onKeyRotation: undefined }).clientAssertion()
    await expect.poll(() => warn.mock.calls).toHaveLength(1)
    expect(warn.mock.calls[0]?.[0]).toBe('The agent could not rotate its key: Auth4AgentError: It is AGENT_NOT_FOUND')
    warn.mockRestore()
  })

  it('rotates once for all processes that share the key', async () => {
    const shared = [agentOf(), agentOf(), agentOf()]
    for (const agent of shared) await begin(agent)
    await untilReported(1)
    clock.advance(DAY_MS)
    await expect.poll(() => log.count('read log')).toBeGreaterThan(3)
    expect([rotations.length, log.state.seq]).toEqual([1, 1])
    for (const agent of shared) {
      const [header = ''] = (await agent.clientAssertion()).split('.')
      expect(JSON.parse(Buffer.from(header, 'base64url').toString()).kid).toBe(log.state.kid)
    }
  })

  it('reports that the committed key is missing, and generates no other key', async () => {
    const elsewhere = await createKeyFile(join(folder, 'safe.key'))
    const first = await readKeyFile(path)
    const inception = await signInception(first, {
      did: log.did,
      nowS: clock.wallMs() / 1000,
      next: signerKid(elsewhere),
    })
    log = new KeyLogServer(first.publicKey, inception)
    log.now = () => clock.wallMs()
    const agent = agentOf()
    await begin(agent)
    await untilReported(1)
    expect(rotations).toMatchObject([{ ok: false, error: { reason: 'KEY_NOT_COMMITTED' } }])
    await expect(readKeyFile(`${path}.next`)).rejects.toThrow('There is no key file')
    await expect(agent.rotateKey({ key: elsewhere })).resolves.toMatchObject({ kid: signerKid(elsewhere) })
  })

  it('reports that the store does not have the identity key', async () => {
    const first = await readKeyFile(path)
    const robber = await createKeyFile(join(folder, 'robber.key'))
    const change = { type: 'rotate', key: proving(robber) } as const
    log.append(await signKeyEvent(first, log.state, change, clock.wallMs() / 1000))
    await agentOf().clientAssertion()
    await expect.poll(() => rotations).toMatchObject([{ ok: false, error: { reason: 'WRONG_KEY' } }])
  })

  it.each(['30', '59m', '30 days', 'P30D', ''])('throws TypeError for the age %j', (keyRotation) => {
    expect(() => agentOf({ keyRotation })).toThrow(/keyRotation must be a duration of at least 1h/)
  })

  it('throws TypeError for a key that is in no store', async () => {
    const key = await readKeyFile(path)
    expect(() => agentOf({ key })).toThrow('keyRotation needs a key store')
  })
})

it('ageS depends on the key alone, and is at most a tenth later than the age', () => {
  const kids = Array.from({ length: 200 }, () =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
  )
  const ages = kids.map((kid) => ageS(kid, AGE_S))
  expect(ages.every((age) => age >= AGE_S && age <= AGE_S * 1.1)).toBe(true)
  expect(Math.max(...ages) - Math.min(...ages)).toBeGreaterThan(AGE_S * 0.08)
  expect(kids.map((kid) => ageS(kid, AGE_S))).toEqual(ages)
})
