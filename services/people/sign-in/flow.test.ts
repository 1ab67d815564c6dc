import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { importHmacKey } from '../../platform/crypto/hmac.ts'
import { beginFlow, openFlow, openState } from './flow.ts'

const key = { id: 'key_1', slot: 1, key: importHmacKey(randomBytes(32)) }
const challengeKeys = { current: async () => key, find: async (id: string) => (id === key.id ? key : undefined) }
const START = 1_800_000_000_000
const at = (afterMs = 0) => ({ challengeKeys, now: () => START + afterMs })
const TERMS = { providerId: 'a', returnTo: '/people/acting?a=b', acrValues: ['x'] }

it('openFlow returns the terms of the flow that the state names, and the secrets of its cookie', async () => {
  const { id, state, cookie, verifier, nonce } = await beginFlow(at(), { ...TERMS, maxAgeS: 60 })
  expect(await openState(at(), state)).toEqual({ id, providerId: 'a' })
  expect(await openFlow(at(), { id, providerId: 'a' }, cookie)).toEqual({ ...TERMS, maxAgeS: 60, verifier, nonce })
  expect(await openFlow(at(), { id, providerId: 'a' }, (await beginFlow(at(), TERMS)).cookie)).toBeUndefined()
  expect(await openFlow(at(), { id, providerId: 'b' }, cookie)).toBeUndefined()
  expect(await openFlow(at(), { id, providerId: 'a' }, state)).toBeUndefined()
  expect(await openState(at(), cookie)).toBeUndefined()
})

it('state and cookie of a flow end after 10 minutes', async () => {
  const { id, state, cookie } = await beginFlow(at(), TERMS)
  expect(await openState(at(599_999), state)).toBeDefined()
  expect(await openFlow(at(599_999), { id, providerId: 'a' }, cookie)).toBeDefined()
  expect(await openState(at(600_000), state)).toBeUndefined()
  expect(await openFlow(at(600_000), { id, providerId: 'a' }, cookie)).toBeUndefined()
})

it('neither state nor cookie contains the PKCE verifier or the nonce', async () => {
  const { state, cookie, verifier, nonce } = await beginFlow(at(), TERMS)
  for (const secret of [verifier, nonce]) expect(`${state} ${cookie}`).not.toContain(secret)
})
