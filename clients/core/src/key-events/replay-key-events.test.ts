import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprint, formatDid } from '../identity/did.ts'
import { jwkThumbprint, type PublicJwk } from '../jose/public-jwk.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { signP256 } from '../keys/ecdsa-p256.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { parseKeyEvent, recordedInception } from './key-event.ts'
import type { KeyState } from './key-state.ts'
import { replayKeyEvents } from './replay-key-events.ts'
import { ed25519Jwk, type KeyChange, type KeySigner, signInception, signKeyEvent } from './sign-key-event.ts'

const NOW = 1_800_000_000

function newKey() {
  const { publicKey, privateKey } = generateKeyPair()
  const signer = { publicKey, sign: async (message: Uint8Array) => privateKey.sign(message) }
  const keySigner: KeySigner = { alg: 'EdDSA', jwk: ed25519Jwk(publicKey), sign: signer.sign }
  return { ...signer, keySigner, kid: thumbprint(publicKey) }
}

function newP256(): KeySigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  return { alg: 'ES256', jwk: { kty, crv, x, y } as PublicJwk, sign: async (message) => signP256(privateKey, message) }
}

const [first, second, third] = [newKey(), newKey(), newKey()]
const did = formatDid('acme.example', fingerprint(first.publicKey))

function stateOf(events: readonly string[]): KeyState {
  const replayed = replayKeyEvents(events)
  if (!replayed.ok) throw new Error(replayed.demand)
  return replayed.state
}

const append = async (events: readonly string[], signer: typeof first, change: KeyChange) => [
  ...events,
  await signKeyEvent(signer, stateOf(events), change, NOW + events.length),
]

const begun = async (next?: string) => [await signInception(first, { did, nowS: NOW, next })]

describe('replayKeyEvents', () => {
  it('follows a whole history', async () => {
    const p256 = newP256()
    let log = await begun(second.kid)
    log = await append(log, first, { type: 'add-key', key: p256, label: 'laptop', exp: NOW + 3600 })
    log = await append(log, first, { type: 'rotate', key: second.keySigner, next: third.kid })
    log = await append(log, third, { type: 'recover' })
    log = await append(log, third, { type: 'remove-key', kid: jwkThumbprint(p256.jwk) })
    const to = formatDid('other.example', fingerprint(first.publicKey))
    const operatorId = '11111111-1111-8111-8111-111111111111'
    log = await append(log, third, { type: 'move', to, operatorId, issuer: 'https://auth.example' })
    log = await append(log, third, { type: 'deactivate' })
    expect(stateOf(log)).toMatchObject({
      did: to,
      previousDids: [did],
      seq: 6,
      kid: third.kid,
      next: undefined,
      addedKeys: [],
      recorded: false,
      deactivated: true,
    })
  })

  it('refuses a rotation to a key to which the agent did not commit', async () => {
    const start = await begun(second.kid)
    const event = await signKeyEvent(first, stateOf(start), { type: 'rotate', key: third.keySigner }, NOW)
    expect(replayKeyEvents([...start, event])).toMatchObject({ ok: false, at: 1, why: 'not-committed' })
  })

  it('accepts a recorded inception, which has no signature, and a rotation after it', async () => {
    const start = [recordedInception({ did, key: ed25519Jwk(first.publicKey), iat: NOW })]
    expect(stateOf(start)).toMatchObject({ recorded: true, next: undefined, kid: first.kid })
    expect(stateOf(await append(start, first, { type: 'rotate', key: second.keySigner }))).toMatchObject({
      kid: second.kid,
    })
  })

  it('refuses an unsigned event that is no recorded inception', () => {
    const [header] = recordedInception({ did, key: ed25519Jwk(first.publicKey), iat: NOW }).split('.')
    const claims = { type: 'deactivate', did, seq: 1, prev: first.kid, iat: NOW }
    const text = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
    expect(parseKeyEvent(text)).toMatchObject({ ok: false, why: 'malformed' })
  })
})
