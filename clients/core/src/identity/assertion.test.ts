import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type AssertionRules, checkAssertion, parseAssertion } from '../../../../services/calls/assertion.ts'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { parseCompactJws } from '../jose/jws.ts'
import { signerKid } from '../jose/signer-jwk.ts'
import { signP256, verifyP256 } from '../keys/ecdsa-p256.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { ADMIN_ISSUER, type AssertionContent, type AssertionSigner, signAssertion } from './assertion.ts'
import { bodyDigest } from './body-digest.ts'

const NOW_S = 1_800_000_000
const ISSUER = 'https://auth.example/é'
const OPERATOR = 'aaaaaaaa-1111-8111-8111-111111111111'
const RPC = `PATCH /v1/operators/${OPERATOR}/agents/scopes`
const RULES: AssertionRules = { issuer: ISSUER, nowS: NOW_S, skewS: 10, rpc: RPC, mustNameRpc: true, body: undefined }
const CONTENT: AssertionContent = { party: OPERATOR, issuer: ISSUER, nowS: NOW_S, rpc: RPC }
const { publicKey, privateKey } = generateKeyPair()
const signer = { publicKey, sign: (message: Uint8Array) => Promise.resolve(privateKey.sign(message)) }

async function sign(content: Partial<AssertionContent> = {}) {
  return parseAssertion(`Bearer ${await signAssertion(signer, { ...CONTENT, ...content })}`)
}

describe('signAssertion', () => {
  it("signs an operator's assertion that the server accepts", async () => {
    const assertion = await sign()
    expect(assertion).toMatchObject({ iss: OPERATOR, typ: 'auth4agent-operator+jwt' })
    expect(checkAssertion(assertion, publicKey, RULES)).toMatchObject({ expiresAt: NOW_S + 60 })
  })

  it("signs an administrator's assertion with its own typ", async () => {
    const assertion = await sign({ party: ADMIN_ISSUER })
    expect(assertion).toMatchObject({ iss: 'admin', typ: 'auth4agent-admin+jwt' })
    expect(reasonOf(() => checkAssertion(assertion, publicKey, RULES))).toBeUndefined()
  })

  it('omits rpc if the caller names no call', async () => {
    const read = await sign({ rpc: undefined })
    expect(Object.hasOwn(read.jws.payload, 'rpc')).toBe(false)
    expect(reasonOf(() => checkAssertion(read, publicKey, { ...RULES, mustNameRpc: false }))).toBeUndefined()
  })

  it('contains the digest of the body if the caller names it, and otherwise no body', async () => {
    const digest = bodyDigest('{}')
    expect((await sign({ body: digest })).jws.payload).toMatchObject({ body: digest })
    expect(Object.hasOwn((await sign()).jws.payload, 'body')).toBe(false)
  })

  it('signs with ES256 for a P-256 key, with the thumbprint of this key as kid', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { x = '', y = '' } = pair.publicKey.export({ format: 'jwk' })
    const p256: AssertionSigner = {
      alg: 'ES256',
      publicKey: Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
      sign: async (message) => signP256(pair.privateKey, message),
    }
    const rules = { maxBytes: 4096, algs: ['ES256'], typs: ['auth4agent-operator+jwt'] }
    const jws = parseCompactJws(await signAssertion(p256, CONTENT), rules)
    if (!jws.ok) throw new Error(jws.why)
    expect(jws.header.kid).toBe(signerKid(p256))
    expect(verifyP256(pair.publicKey, jws.signingInput, jws.signature)).toBe(true)
  })

  it('uses a new jti each time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => sign()))
    expect(new Set(all.map((one) => checkAssertion(one, publicKey, RULES).jti)).size).toBe(20)
  })

  it.each([-60, -30, 0, 30, 39.9])(
    'signs an assertion that the server accepts if the clock of the caller is %s s ahead',
    async (ahead) => {
      const assertion = await sign({ nowS: NOW_S + ahead })
      expect(reasonOf(() => checkAssertion(assertion, publicKey, RULES))).toBeUndefined()
    },
  )

  it('accepts the longest lifetime that the server allows, and rejects for 0, a fraction and a longer one', async () => {
    const assertion = await sign({ lifetimeS: 270 })
    expect(checkAssertion(assertion, publicKey, RULES).expiresAt).toBe(NOW_S + 270)
    await expect(sign({ lifetimeS: 271 })).rejects.toThrow(RangeError)
    await expect(sign({ lifetimeS: 0 })).rejects.toThrow(RangeError)
    await expect(sign({ lifetimeS: 1.5 })).rejects.toThrow(RangeError)
  })

  it('rejects if the key or signature of the signer has the wrong length', async () => {
    const short = { ...signer, publicKey: publicKey.subarray(1) }
    await expect(signAssertion(short, CONTENT)).rejects.toThrow(/32 bytes/)
    const der = { publicKey, sign: () => Promise.resolve(new Uint8Array(70)) }
    await expect(signAssertion(der, CONTENT)).rejects.toThrow(/64/)
  })
})
