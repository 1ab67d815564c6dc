import { describe, expect, it } from 'vitest'
import { signOperatorManifest } from '../../../sdk/src/sign-operator-manifest.ts'
import { encodeBase64url } from '../encoding/base64.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import type { AssertionSigner } from './assertion.ts'
import { operatorId } from './operator-id.ts'
import { type ManifestChain, verifyManifestChain } from './verify-manifest-chain.ts'

const ISSUER = 'https://auth.example'
const DOMAIN = 'acme.example'
const founder = newRoot('founder')
const successor = newRoot('successor')
const stranger = newRoot('stranger')
const ID = operatorId({ issuer: ISSUER, domain: DOMAIN, thumbprint: thumbprint(founder.publicKey) })

function newRoot(label: string) {
  const { publicKey, privateKey } = generateKeyPair()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const
  return { publicKey, jwk, label, sign: async (message: Uint8Array) => privateKey.sign(message) }
}

function manifest(signer: AssertionSigner, seq: number, roots = [founder], issuer = ISSUER): Promise<string> {
  const rootKeys = roots.map(({ jwk, label }) => ({ jwk, label }))
  return signOperatorManifest(signer, {
    operatorId: ID,
    issuer,
    nowS: 1_800_000_000,
    seq,
    threshold: 1,
    rootKeys,
    keys: [],
  })
}

function verdict(manifests: readonly string[], edits: Partial<ManifestChain> = {}) {
  const foundingPublicKey = founder.publicKey
  return verifyManifestChain({ issuer: ISSUER, domain: DOMAIN, operatorId: ID, foundingPublicKey, manifests, ...edits })
}

function unsigned(seq: number): string {
  return `A root key of the keys before must have signed the manifest number ${seq}`
}

describe('verifyManifestChain', () => {
  it('returns the founding key alone if there are no manifests', () => {
    const rootKeys = [{ kid: thumbprint(founder.publicKey), jwk: founder.jwk, label: '' }]
    expect(verdict([])).toEqual({ ok: true, inForce: { seq: 0, threshold: 1, rootKeys, keys: [] } })
  })

  it('returns the keys of the last manifest after a change of the root keys', async () => {
    const chain = [await manifest(founder, 1, [successor]), await manifest(successor, 2, [successor, stranger])]
    const [first, second] = [verdict(chain.slice(0, 1)), verdict(chain)]
    expect(first).toMatchObject({ ok: true, inForce: { seq: 1, rootKeys: [{ label: 'successor' }] } })
    expect(second).toMatchObject({ ok: true, inForce: { seq: 2, rootKeys: [{}, { label: 'stranger' }] } })
  })

  it.each([
    ['another founding key', { foundingPublicKey: stranger.publicKey }],
    ['another domain', { domain: 'other.example' }],
    ['another issuer', { issuer: 'https://other.example' }],
    ['another operator id', { operatorId: ID.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a')) }],
  ])('refuses %s', (_, edits) => {
    const demand = 'The operator id must be made of the issuer, the domain and the founding root key'
    expect(verdict([], edits)).toEqual({ ok: false, demand })
  })

  it('accepts a chain without a manifest that changed no root key', async () => {
    const manifests = [await manifest(founder, 2), await manifest(founder, 5, [successor])]
    expect(verdict(manifests)).toMatchObject({ ok: true, inForce: { seq: 5, rootKeys: [{ label: 'successor' }] } })
  })

  it('refuses a repetition and the wrong order', async () => {
    const [one, two] = [await manifest(founder, 1), await manifest(founder, 2)]
    expect(verdict([one, two])).toMatchObject({ ok: true })
    expect(verdict([one, one])).toEqual({ ok: false, demand: 'The manifest after number 1 must be newer' })
    expect(verdict([two, one])).toEqual({ ok: false, demand: 'The manifest after number 2 must be newer' })
  })

  it('refuses a manifest that only a later, a removed or a foreign key has signed', async () => {
    const own = await manifest(successor, 1, [successor])
    const removed = [await manifest(founder, 1, [successor]), await manifest(founder, 2, [founder])]
    expect(verdict([own])).toEqual({ ok: false, demand: unsigned(1) })
    expect(verdict(removed)).toEqual({ ok: false, demand: unsigned(2) })
    expect(verdict([await manifest(stranger, 1)])).toEqual({ ok: false, demand: unsigned(1) })
  })

  it('refuses a signature of another text under the kid of a root key', async () => {
    const [header, , signature] = (await manifest(founder, 1)).split('.')
    const [, payload] = (await manifest(founder, 1, [stranger])).split('.')
    expect(verdict([`${header}.${payload}.${signature}`])).toMatchObject({ ok: false })
  })

  it('refuses a manifest for another server', async () => {
    const other = await manifest(founder, 1, [founder], 'https://other.example')
    expect(verdict([other])).toEqual({ ok: false, demand: `aud of the manifest must be exactly ${ISSUER}` })
  })
})
