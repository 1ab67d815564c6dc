import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { signJwt } from '@auth4agent/core/identity/sign-jwt'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { describe, expect, it } from 'vitest'
import { WRONG_TIMES } from '../../../test/support/wrong-times.ts'
import { generateP256KeyPair, signerFromP256KeyPair } from './keys/p256.ts'
import { generatePrivateKey } from './node/index.ts'
import { readKeyRequest, signKeyRequest } from './operator-key-request.ts'

const NOW_S = 1_800_000_000
const now = () => NOW_S * 1000
const { signer: key } = generatePrivateKey()
const { signer: other } = generatePrivateKey()
const p256 = await signerFromP256KeyPair(await generateP256KeyPair())
const operatorId = 'aaaaaaaa-1111-8111-8111-111111111111'
const roles: readonly OperatorRole[] = ['agents.register', 'audit.read']
const WANTED = { operatorId, issuer: 'https://auth.example', label: 'Zoë, laptop', roles }
const TYP = 'auth4agent-key-request+jwt'

describe('readKeyRequest', () => {
  it.each([
    ['Ed25519', key],
    ['P-256', p256],
  ])('returns what signKeyRequest signed with a key of %s, and its thumbprint', async (_name, signer) => {
    const text = await signKeyRequest(signer, WANTED, now)
    expect(await readKeyRequest(` ${text}\n`)).toEqual({
      ...WANTED,
      isRoot: false,
      jwk: signerJwk(signer),
      kid: signerKid(signer),
      iat: NOW_S,
    })
  })

  it('returns a request for a root key, which names no roles', async () => {
    const text = await signKeyRequest(key, { ...WANTED, roles: [], isRoot: true }, now)
    expect(await readKeyRequest(text)).toMatchObject({ isRoot: true, roles: [] })
  })

  const good = {
    iss: operatorId,
    sub: operatorId,
    aud: 'https://auth.example',
    iat: NOW_S,
    jwk: signerJwk(key),
    label: 'bob',
    roles,
    root: false,
  }
  it.each<[string, object, object?]>([
    ['of another typ', {}, { typ: 'auth4agent-operator+jwt' }],
    ['with the kid of another key', {}, { kid: signerKid(other) }],
    ['with the public key of somebody else', { jwk: signerJwk(other) }, { kid: signerKid(other) }],
    ['with an RSA key', { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } }],
    ['without a key', { jwk: undefined }],
    ['with another sub', { sub: 'bob' }],
    ['without an issuer', { aud: '' }],
    ['without a time', { iat: undefined }],
    ...WRONG_TIMES.map(([name, value]): [string, object] => [`with an iat that is ${name}`, { iat: value }]),
    ['with an invisible label', { label: '\u200b' }],
    ['with an unknown role', { roles: ['root'] }],
    ['with a role twice', { roles: ['policy', 'policy'] }],
    ['without roles', { roles: [] }],
    ['with roles that are a text', { roles: 'policy' }],
    ['for a root key with roles', { root: true }],
    ['without root', { root: undefined }],
  ])('rejects a request %s', async (_name, claims, header) => {
    const text = await signJwt(key, { typ: TYP, kid: signerKid(key), ...header }, { ...good, ...claims })
    await expect(readKeyRequest(text)).rejects.toThrow('This is not a request for a key')
  })

  it('accepts the request that the rejected ones change', async () => {
    expect(await readKeyRequest(await signJwt(key, { typ: TYP, kid: signerKid(key) }, good))).toMatchObject({
      label: 'bob',
    })
  })

  it('rejects a request for a P-256 root key', async () => {
    const wanted = { ...WANTED, roles: [], isRoot: true }
    await expect(signKeyRequest(p256, wanted, now)).rejects.toThrow('must be of Ed25519')
  })
})
