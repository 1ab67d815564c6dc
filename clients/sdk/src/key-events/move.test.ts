import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { signInception } from '@auth4agent/core/key-events/sign-key-event'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applied } from '../../../../test/support/key-events.ts'
import { type FakeIssuer, startIssuer } from '../../../../test/support/sdk/issuer.ts'
import { KeyLogServer } from '../../../../test/support/sdk/key-log.ts'
import type { Agent } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import { generateP256KeyPair } from '../keys/p256.ts'
import { generateKey, type KeyLike } from '../keys/signers.ts'
import { createKeyFile, keyFileStore } from '../node/index.ts'
import type { KeyStore } from './key-store.ts'

const [first, second, third] = [await generateKey(), await generateKey(), await generateKey()]
const p256 = await generateP256KeyPair()
const operatorId = '11111111-1111-8111-8111-111111111111'
const TARGET = { to: 'other.example', operatorId }

let folder: string
let issuer: FakeIssuer
let log: KeyLogServer
const agents: Agent[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-move-'))
  issuer = await startIssuer()
  log = new KeyLogServer(first.publicKey)
})
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.close()
  await issuer[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function agentOf(key: KeyLike | KeyStore = first): Agent {
  const agent = createAgent({ server: issuer.url, did: log.did, key, fetch: log.fetch })
  agents.push(agent)
  return agent
}

/** Starts a log whose inception commits to a key. */
async function commit(next: { readonly publicKey: Uint8Array }, from: typeof first = first): Promise<void> {
  const { did } = new KeyLogServer(from.publicKey)
  const nowS = Math.floor(Date.now() / 1000) - 10
  log = new KeyLogServer(from.publicKey, await signInception(from, { did, nowS, next: signerKid(next) }))
}

/** Creates a store in files, and a log that has committed to the store's key of a role. */
async function storeCommittedTo(role: 'next' | 'pending'): Promise<KeyStore> {
  const path = join(folder, 'agent.key')
  const current = await createKeyFile(path)
  const store = keyFileStore(path)
  const committed = await store.exclusively(async () => {
    await store.generate('next')
    return store.generate(role)
  })
  await commit(committed, current)
  return store
}

const waiting = () => decodeJwt<{ key?: object; proof?: string }>(log.waiting ?? '')

describe('Agent.move', () => {
  it('asks for the move without a key if the agent has committed to none', async () => {
    const to = log.did.replace('acme.example', 'other.example')
    const asked = await agentOf().move({ ...TARGET, issuer: 'https://auth.other.example' })
    const digest = createHash('sha256')
      .update(log.waiting ?? '')
      .digest('base64url')
    expect(asked).toEqual({ to, digest, effectiveAt: expect.any(Date) })
    const place = { did: log.did, seq: 1, prev: log.state.head, iat: expect.any(Number) }
    const target = { to, operator_id: operatorId, issuer: 'https://auth.other.example' }
    expect(waiting()).toEqual({ type: 'move', ...place, ...target })
    expect((await agentOf().keyEvents()).pending).toMatchObject([{ type: 'move', digest }])
  })

  it('moves within the server of the agent if no issuer is given', async () => {
    await agentOf().move(TARGET)
    expect(waiting()).toMatchObject({ issuer: issuer.url })
  })

  it('proves the key that is given, and keeps the identity key and the commitment', async () => {
    await commit(second)
    await agentOf().move({ ...TARGET, key: second })
    expect(waiting()).toMatchObject({ key: signerJwk(second), proof: expect.any(String) })
    const keys = { kid: signerKid(first), next: signerKid(second) }
    expect(applied(log.state, log.waiting ?? '')).toMatchObject({ ok: true, state: keys })
  })

  it.each(['next', 'pending'] as const)('proves the committed key of the key store, whose role is %s', async (role) => {
    const store = await storeCommittedTo(role)
    await agentOf(store).move(TARGET)
    const { [role]: committed, ...others } = await store.read()
    expect(waiting()).toMatchObject({ key: committed && signerJwk(committed) })
    expect(signerKid(others.current)).toBe(log.state.kid)
  })

  it('proves the key that is given if the key store does not have the committed key', async () => {
    const current = await createKeyFile(join(folder, 'agent.key'))
    await commit(second, current)
    const agent = agentOf(keyFileStore(join(folder, 'agent.key')))
    await expect(agent.move(TARGET)).rejects.toMatchObject({ reason: 'KEY_NOT_COMMITTED', status: 0 })
    expect(log.count('append event')).toBe(0)
    await agent.move({ ...TARGET, key: second })
    expect(waiting()).toMatchObject({ key: signerJwk(second) })
  })

  it.each([
    ['no key', {}, 'the event must have the key to which the agent committed, and its proof'],
    ['another key', { key: third }, 'key must be the key to which the agent committed'],
    ['its identity key', { key: first }, 'key must be the key to which the agent committed'],
  ])('rejects %s from an agent that has committed, and sends nothing', async (_name, key, demand) => {
    await commit(second)
    const error = { reason: 'KEY_NOT_COMMITTED', status: 0, message: expect.stringContaining(demand) }
    await expect(agentOf().move({ ...TARGET, ...key })).rejects.toMatchObject(error)
    expect(log.count('append event')).toBe(0)
  })

  it('rejects a key from an agent that has not committed, and sends nothing', async () => {
    const moving = agentOf().move({ ...TARGET, key: second })
    await expect(moving).rejects.toMatchObject({ reason: 'KEY_NOT_COMMITTED', status: 0 })
    expect(log.count('append event')).toBe(0)
  })

  it.each<[string, object, string]>([
    ['a P-256 key', { key: p256 }, 'The identity key of an agent must be of Ed25519'],
    ['a DID as target', { to: 'did:agent:other.example' }, 'to must be a domain in lower case and A-labels'],
    ['an unknown option', { isuer: 'https://auth.other.example' }, 'the nearest known one is "issuer"'],
  ])('rejects %s with TypeError, and sends nothing', async (_name, wrong, message) => {
    const moving = agentOf().move({ ...TARGET, ...wrong })
    await expect(moving).rejects.toThrow(TypeError)
    await expect(moving).rejects.toThrow(message)
    expect(log.count('append event')).toBe(0)
  })
})
