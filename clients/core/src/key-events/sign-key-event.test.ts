import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { begun, didOf, identityKey, p256Key, stateOf } from '../../../../test/support/key-events.ts'
import { ed25519Jwk, type KeyChange, signInception, signKeyEvent } from './sign-key-event.ts'

const NOW = 1_800_000_000
const [first, next] = [identityKey('first'), identityKey('next')]
const p256 = p256Key('added')
const did = didOf(first)
const end = stateOf(await begun(first, NOW))
const place = { did, seq: 1, prev: end.head, iat: NOW + 5 }
const HEADER = { alg: 'EdDSA', typ: 'auth4agent-key-event+jwt', kid: first.kid }

const move = {
  type: 'move',
  to: 'did:agent:b.example:0',
  operatorId: 'an-operator',
  issuer: 'https://b.example',
} as const
const moveClaims = { to: move.to, operator_id: move.operatorId, issuer: move.issuer }

const sign = (change: KeyChange, nowS = NOW + 5.9) => signKeyEvent(first, end, change, nowS)

describe('signInception', () => {
  it('signs the first event with whole seconds and without claims that are left out', async () => {
    const text = await signInception(first, { did, nowS: NOW + 0.9 })
    expect(decodeProtectedHeader(text)).toEqual(HEADER)
    expect(decodeJwt(text)).toEqual({ type: 'inception', did, seq: 0, iat: NOW, key: first.jwk })
  })

  it('commits to the next key', async () => {
    const text = await signInception(first, { did, nowS: NOW, next: next.kid })
    expect(decodeJwt(text)).toMatchObject({ next: next.kid })
  })
})

describe('signKeyEvent', () => {
  it.each([
    ['remove-key', { type: 'remove-key', kid: p256.kid }, { kid: p256.kid }],
    ['deactivate', { type: 'deactivate' }, {}],
    ['recover with the key of the signer', { type: 'recover', next: next.kid }, { key: first.jwk, next: next.kid }],
    ['move', move, moveClaims],
  ] as const)('signs %s', async (_name, change, claims) => {
    const text = await sign(change)
    expect(decodeProtectedHeader(text)).toEqual(HEADER)
    expect(decodeJwt(text)).toEqual({ ...place, type: change.type, ...claims })
  })

  it.each([
    ['rotate', { type: 'rotate', key: next, next: p256.kid }, { key: next.jwk, next: p256.kid }, next],
    ['deactivate', { type: 'deactivate', key: next }, { key: next.jwk }, next],
    ['move', { ...move, key: next }, { ...moveClaims, key: next.jwk }, next],
    [
      'add-key',
      { type: 'add-key', key: p256, label: 'TPM', exp: NOW + 60 },
      { key: p256.jwk, label: 'TPM', exp: NOW + 60 },
      p256,
    ],
  ] as const)('signs %s with a proof of the new key', async (_name, change, claims, key) => {
    const { proof, ...rest } = decodeJwt<{ proof: string }>(await sign(change))
    expect(rest).toEqual({ ...place, type: change.type, ...claims })
    expect(decodeProtectedHeader(proof)).toEqual({ alg: key.alg, typ: 'auth4agent-key-proof+jwt', kid: key.kid })
    expect(decodeJwt(proof)).toEqual(rest)
  })

  it('does not sign a time before the last event, so that a slow clock does no harm', async () => {
    expect(decodeJwt(await sign({ type: 'deactivate' }, NOW - 100))).toMatchObject({ iat: NOW })
  })
})

describe('ed25519Jwk', () => {
  it('returns exactly the members that the thumbprint covers', () => {
    const x = Buffer.from(first.publicKey).toString('base64url')
    expect(ed25519Jwk(first.publicKey)).toEqual({ kty: 'OKP', crv: 'Ed25519', x })
  })
})
