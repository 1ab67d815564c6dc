import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeContext, NOW_S } from '../../../../test/support/attestation/appraisal-context.ts'
import {
  AGENT_CONTEXT,
  AGENT_KEY,
  ATTESTER_KEY,
  clientEvidence,
  confirmedKey,
  signAttestation,
  signPop,
} from '../../../../test/support/attestation/client-attestations.ts'
import { makeTestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { RefusedEvidence } from '../attestor-type.ts'
import { createClientAttestation } from './create-client-attestation.ts'

const RAW = { keys: { keys: [ATTESTER_KEY.jwk] } }
const OTHER = makeTestKey('EdDSA', 'other')
const P256 = makeTestKey('ES256', 'p256')
const { jwk } = confirmedKey(AGENT_KEY)
const THUMBPRINT = AGENT_CONTEXT.binding.thumbprint

async function appraise(evidence: Uint8Array, config: object = {}, context = AGENT_CONTEXT) {
  const type = createClientAttestation()
  return await type.appraise(type.parseConfig({ ...RAW, ...config }), evidence, context)
}

const withClaims = (claims: object, header: object = {}) => clientEvidence(signAttestation(claims, header))
const withPop = (claims: object, header: object = {}) => clientEvidence(signAttestation(), signPop(claims, header))

/** HMAC, with the text of the attester's public key as the secret. */
function signByHmac(): string {
  const [, payload] = signAttestation().split('.')
  const header = { alg: 'HS256', kid: ATTESTER_KEY.kid, typ: 'oauth-client-attestation+jwt' }
  const signed = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}`
  return `${signed}.${createHmac('sha256', JSON.stringify(ATTESTER_KEY.jwk)).update(signed).digest('base64url')}`
}

describe('appraise of client-attestation', () => {
  it('shows the client and the claims of the configuration', async () => {
    expect(await appraise(clientEvidence(), { claims: ['device', 'absent'] })).toEqual({
      claims: { client_id: 'https://client.example', device: 'phone' },
      level: 'bound',
      expiresAt: (NOW_S + 3_600) * 1_000,
      uses: [{ id: `${THUMBPRINT} jti:d25d00ab-552b-46fc-ae19-98f440f25064`, until: (NOW_S + 300 + 60) * 1_000 }],
    })
  })

  it.each([
    ['without iat in the attestation', withClaims({ iat: undefined })],
    ['with iss in both, as earlier drafts had', clientEvidence(signAttestation({ iss: 'a' }), signPop({ iss: 'b' }))],
    ['with use, alg and kid in cnf.jwk', withClaims({ cnf: { jwk: { ...jwk, use: 'sig', alg: 'EdDSA', kid: 'a' } } })],
    ['with the issuer in a list as aud', withPop({ aud: [AGENT_CONTEXT.issuer] })],
    ['with a kid in the PoP', withPop({}, { kid: 'any' })],
    ['with Ed25519 as the alg of the PoP', withPop({}, { alg: 'Ed25519' })],
    ['with the oldest iat in the PoP', withPop({ iat: NOW_S - 360 })],
  ])('accepts evidence %s', async (_name, evidence) => {
    expect((await appraise(evidence)).level).toBe('bound')
  })

  it.each<[string, Uint8Array, string]>([
    ['a JSON list', Buffer.from('[]'), 'The evidence must be a strict JSON object: not-an-object'],
    ['no JSON', Buffer.from('a.b.c'), 'The evidence must be a strict JSON object: syntax'],
    ['two attestations', Buffer.from('{"attestation":"a","attestation":"b","pop":"c"}'), 'duplicate-member'],
    ['no PoP', Buffer.from('{"attestation":"a"}'), 'The evidence must have the members attestation and pop'],
    [
      'a PoP that is a list',
      Buffer.from('{"attestation":"a","pop":["a"]}'),
      'must have the members attestation and pop',
    ],
    [
      'a third member',
      clientEvidence(undefined, undefined, { nonce: 'a' }),
      'must have the members attestation and pop',
    ],
    ['more than 32 KiB', Buffer.alloc(32_769, ' '), 'The evidence must have at most 32768 bytes'],
    [
      'a long attestation',
      withClaims({ a: 'a'.repeat(16_384) }),
      'The client attestation must have at most 16384 bytes',
    ],
    ['the JWTs in the wrong order', clientEvidence(signPop(), signAttestation()), 'must have the typ oauth-client-att'],
    [
      'another typ of the attestation',
      withClaims({}, { typ: 'JWT' }),
      'of the client attestation must have the typ oauth',
    ],
    [
      'no typ of the attestation',
      withClaims({}, { typ: undefined }),
      'of the client attestation must have the typ oauth',
    ],
    ['alg none', withClaims({}, { alg: 'none' }), 'The header of the client attestation must have the alg EdDSA or'],
    [
      'HMAC with the public key as the secret',
      clientEvidence(signByHmac()),
      'of the client attestation must have the alg',
    ],
    ['no kid', withClaims({}, { kid: undefined }), 'The header of the client attestation must have a kid'],
    [
      'an unknown kid',
      withClaims({}, { kid: 'other' }),
      'The kid of the client attestation must be that of a trusted key',
    ],
    ['a key in the header', withClaims({}, { jwk }), 'The header of the client attestation must not contain a key'],
    [
      'an attestation that the agent signs',
      clientEvidence(signAttestation({}, { kid: 'attester', alg: 'ES256' }, OTHER)),
      'must have a valid signature',
    ],
    ['no exp', withClaims({ exp: undefined }), 'The exp of the client attestation must be a whole number of Unix'],
    [
      'an expired attestation',
      withClaims({ exp: NOW_S - 60, iat: NOW_S - 99 }),
      'The client attestation must not have',
    ],
    ['an iat in the future', withClaims({ iat: NOW_S + 61 }), 'The iat of the client attestation must not be in the'],
    ['an nbf in the future', withClaims({ nbf: NOW_S + 61 }), 'The client attestation must be valid already'],
    ['no sub', withClaims({ sub: undefined }), 'The client attestation must have a sub that is a text'],
    ['an empty sub', withClaims({ sub: '' }), 'The client attestation must have a sub that is a text'],
    ['a sub that is a list', withClaims({ sub: ['a'] }), 'The client attestation must have a sub that is a text'],
    ['no cnf', withClaims({ cnf: undefined }), 'must have a cnf with one member, jwk, which is a public key'],
    ['a cnf with jkt', withClaims({ cnf: { jkt: THUMBPRINT } }), 'must have a cnf with one member, jwk, which is a'],
    [
      'a cnf with jwk and jku',
      withClaims({ cnf: { jwk, jku: 'https://a.example' } }),
      'must have a cnf with one member',
    ],
    ['a cnf with a private key', withClaims({ cnf: { jwk: { ...jwk, d: 'A'.repeat(43) } } }), 'which is a public key'],
    [
      'a cnf with another key',
      withClaims({ cnf: confirmedKey(OTHER) }),
      "must have the agent's identity key as cnf.jwk",
    ],
    ['a cnf with a key of P-256', withClaims({ cnf: { jwk: { kty: 'EC', crv: 'P-256', x: jwk.x } } }), 'identity key'],
    [
      'another typ of the PoP',
      withPop({}, { typ: 'dpop+jwt' }),
      'The header of the PoP must have the typ oauth-client',
    ],
    [
      'another alg of the PoP',
      withPop({}, { alg: 'ES256' }),
      'The header of the PoP must have the alg EdDSA or Ed25519',
    ],
    [
      'a PoP that another key signs',
      clientEvidence(undefined, signPop({}, {}, OTHER)),
      'The PoP must have a valid signature',
    ],
    [
      'a PoP that the attester signs',
      clientEvidence(undefined, signPop({}, { alg: 'EdDSA' }, P256)),
      'The PoP must have a',
    ],
    ['no aud', withPop({ aud: undefined }), 'The aud of the PoP must be a text, or a list of 1 to 32 texts'],
    [
      'another aud',
      withPop({ aud: 'https://other.example' }),
      'The PoP must have the aud https://auth.example and no other',
    ],
    [
      'two audiences',
      withPop({ aud: ['https://auth.example', 'https://b.example'] }),
      'The PoP must have the aud https',
    ],
    [
      'an aud with a path',
      withPop({ aud: 'https://auth.example/' }),
      'The PoP must have the aud https://auth.example and',
    ],
    ['no challenge', withPop({ challenge: undefined }), 'The PoP must have the nonce of the request as challenge'],
    ['another challenge', withPop({ challenge: 'other' }), 'The PoP must have the nonce of the request as challenge'],
    [
      'a nonce instead of a challenge',
      withPop({ challenge: undefined, nonce: AGENT_CONTEXT.binding.nonce?.text }),
      'as challenge',
    ],
    ['no jti', withPop({ jti: undefined }), 'The jti of the PoP must be a text of 1 to 128 characters'],
    ['a long jti', withPop({ jti: 'a'.repeat(129) }), 'The jti of the PoP must be a text of 1 to 128 characters'],
    ['no iat in the PoP', withPop({ iat: undefined }), 'The iat of the PoP must be a whole number of Unix seconds'],
    ['an old PoP', withPop({ iat: NOW_S - 361 }), 'The PoP must be at most 300 seconds old'],
    ['a PoP of the future', withPop({ iat: NOW_S + 61 }), 'The iat of the PoP must not be in the future'],
    ['an expired PoP', withPop({ iat: NOW_S - 200, exp: NOW_S - 100 }), 'The PoP must not have expired'],
  ])('refuses %s', async (_name, evidence, why) => {
    const answer = appraise(evidence)
    await expect(answer).rejects.toThrow(RefusedEvidence)
    await expect(answer).rejects.toThrow(why)
  })

  it('refuses a client that the configuration does not list', async () => {
    const config = { client_ids: ['https://other.example'] }
    await expect(appraise(clientEvidence(), config)).rejects.toThrow('must have a sub that the attestor accepts')
    const both = { client_ids: ['https://other.example', 'https://client.example'] }
    expect((await appraise(clientEvidence(), both)).level).toBe('bound')
  })

  it('refuses an algorithm that the configuration does not list', async () => {
    const config = { keys: { keys: [OTHER.jwk] }, algorithms: ['EdDSA'] }
    await expect(appraise(clientEvidence(), config)).rejects.toThrow('must have the alg EdDSA')
  })

  it('refuses a claim of the configuration that is an object', async () => {
    const answer = appraise(withClaims({ device: { model: 'a' } }), { claims: ['device'] })
    await expect(answer).rejects.toThrow(
      'The device of the client attestation must be a text of at most 1024 characters',
    )
  })

  it('refuses evidence for another agent', async () => {
    await expect(appraise(clientEvidence(), {}, makeContext())).rejects.toThrow("must have the agent's identity key")
  })

  it('refuses every evidence if the request has no nonce', async () => {
    const context = { ...AGENT_CONTEXT, binding: { ...AGENT_CONTEXT.binding, nonce: undefined } }
    for (const evidence of [clientEvidence(), withPop({ challenge: undefined })]) {
      await expect(appraise(evidence, {}, context)).rejects.toThrow('The PoP needs a nonce in the request')
    }
  })

  it('refuses mutated evidence with RefusedEvidence', async () => {
    const right = [...clientEvidence()]
    const edits = fc.tuple(fc.nat(right.length - 1), fc.nat(2), fc.constantFrom(...Buffer.from('Ab9-_."{,:')))
    await fc.assert(
      fc.asyncProperty(edits, async ([at, gone, byte]) => {
        const mutated = Uint8Array.from(right.toSpliced(at, gone, byte))
        fc.pre(Buffer.compare(mutated, Buffer.from(right)) !== 0)
        await expect(appraise(mutated)).rejects.toBeInstanceOf(RefusedEvidence)
      }),
      { numRuns: 300 },
    )
  })
})
