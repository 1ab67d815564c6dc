import { describe, expect, it } from 'vitest'
import { makeContext, NOW_S } from '../../../../test/support/attestation/appraisal-context.ts'
import {
  appraiseEat,
  EAT_KEY as KEY,
  SHOWN_CLAIMS,
  signEatCwt,
  signEatJwt,
} from '../../../../test/support/attestation/eat-tokens.ts'
import { makeTestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { RefusedEvidence } from '../attestor-type.ts'

const PROFILE = 'tag:attester.example,2026:profile'
const { binding, issuer } = makeContext()
const NONCE = Uint8Array.from(binding.nonce?.bytes ?? [])
const TEXT = binding.nonce?.text ?? ''
const ED = makeTestKey('EdDSA')
const ONLY_EDDSA = { keys: { keys: [ED.jwk] }, algorithms: ['EdDSA'] }
const OID = '1.3.6.1.4.1.64242.7'
const OID_BYTES = Uint8Array.from([0x2b, 6, 1, 4, 1, 0x83, 0xf5, 0x72, 7])

function both([name, value]: [string, unknown], cbor: [number | string, unknown]): [Uint8Array, Uint8Array] {
  return [signEatJwt(KEY, { [name]: value }), signEatCwt(KEY, [cbor])]
}

describe('appraise of eat', () => {
  it.each([
    ['JWT', signEatJwt(KEY)],
    ['CWT', signEatCwt(KEY)],
    ['CWT with its tag', signEatCwt(KEY, [], { tags: [18, 61] })],
  ])('shows the same claims of a %s', async (_name, evidence) => {
    expect(await appraiseEat(evidence)).toEqual({
      claims: SHOWN_CLAIMS,
      level: 'bound',
      expiresAt: (NOW_S + 600) * 1_000,
      uses: [],
    })
  })

  it.each([
    ['JWT', signEatJwt(KEY)],
    ['CWT', signEatCwt(KEY)],
  ])('shows only the claims of the configuration, and no claim that the %s lacks', async (_name, evidence) => {
    expect((await appraiseEat(evidence, { claims: ['swname', 'absent'] })).claims).toEqual({ swname: 'Acme OS' })
  })

  it.each([
    ['an oemid of the IEEE', ['oemid', 'rN5I'], [258, Uint8Array.of(0xac, 0xde, 0x48)], { oemid: 'acde48' }],
    ['a random oemid', ['oemid', 'A'.repeat(22)], [258, new Uint8Array(16)], { oemid: '0'.repeat(32) }],
    ['a version without a list', ['swversion', '3.1.4'], [271, '3.1.4'], { swversion: '3.1.4' }],
    ['the first debug state', ['dbgstat', 'enabled'], [263, 0], { dbgstat: 'enabled' }],
    ['a list of texts', ['zone', ['a', 'b']], ['zone', ['a', 'b']], { zone: ['a', 'b'] }],
    ['a negative number', ['zone', -5], ['zone', -5], { zone: -5 }],
  ] as const)('shows %s', async (_name, [name, json], [label, cbor], shown) => {
    const config = { claims: [name] }
    expect((await appraiseEat(signEatJwt(KEY, { [name]: json }), config)).claims).toEqual(shown)
    expect((await appraiseEat(signEatCwt(KEY, [[label, cbor]]), config)).claims).toEqual(shown)
  })

  it('leaves the expiry open if the token has no exp', async () => {
    expect((await appraiseEat(signEatCwt(KEY, [[4, undefined]]))).expiresAt).toBeUndefined()
  })

  it.each([
    ['the nonce in a list of one', both(['eat_nonce', [TEXT]], [10, [NONCE]])],
    ['this server as its audience', both(['aud', issuer], [3, issuer])],
    ['the audience of the key among others', both(['aud', ['a', binding.audience]], [3, ['a', binding.audience]])],
  ])('accepts a token with %s', async (_name, [jwt, cwt]) => {
    expect((await appraiseEat(jwt)).level).toBe('bound')
    expect((await appraiseEat(cwt)).level).toBe('bound')
  })

  it.each([
    ['a text as a JWT has it', signEatJwt(KEY, { eat_profile: OID })],
    ['bytes as a CWT has it', signEatCwt(KEY, [[265, OID_BYTES]])],
  ])('accepts an object identifier as profile, %s', async (_name, evidence) => {
    expect((await appraiseEat(evidence, { profile: OID })).level).toBe('bound')
  })

  it.each<[string, Uint8Array, object, string]>([
    ['a JWT where only a CWT is', signEatJwt(KEY), { formats: ['cwt'] }, 'The token must be a CWT'],
    ['a CWT where only a JWT is', signEatCwt(KEY), { formats: ['jwt'] }, 'The token must be a JWT'],
    ['a JWT of another issuer than', signEatJwt(KEY), { issuer: 'a' }, 'must have the iss a'],
    ['a CWT of another issuer than', signEatCwt(KEY), { issuer: 'a' }, 'must have the iss a'],
    ['a CWT without the issuer that is', signEatCwt(KEY, [[1, undefined]]), { issuer: 'a' }, 'must have the iss a'],
    ['a JWT of another profile than', signEatJwt(KEY), { profile: 'tag:a' }, 'must have the eat_profile tag:a'],
    ['a CWT of another profile than', signEatCwt(KEY), { profile: 'tag:a' }, 'must have the eat_profile tag:a'],
    [
      'a JWT without the profile that is',
      signEatJwt(KEY, { eat_profile: undefined }),
      { profile: PROFILE },
      'eat_profile',
    ],
    [
      'a CWT with an OID as text where bytes are',
      signEatCwt(KEY, [[265, OID]]),
      { profile: OID },
      'must have the eat_',
    ],
    [
      'a CWT with another OID than',
      signEatCwt(KEY, [[265, OID_BYTES]]),
      { profile: '1.2.3' },
      'must have the eat_profile',
    ],
    ['a JWT older than', signEatJwt(KEY, { iat: NOW_S - 71 }), { max_age: 10 }, 'must be at most 10 seconds old'],
    ['a CWT older than', signEatCwt(KEY, [[6, NOW_S - 71]]), { max_age: 10 }, 'must be at most 10 seconds old'],
    [
      'a CWT without the iat that is',
      signEatCwt(KEY, [[6, undefined]]),
      { max_age: 10 },
      'The iat of the token must be',
    ],
    ['a CWT of another algorithm than', signEatCwt(KEY), ONLY_EDDSA, 'must have one of the algorithms EdDSA'],
    ['a JWT of another algorithm than', signEatJwt(KEY), ONLY_EDDSA, 'must have the alg EdDSA'],
  ])('refuses %s configured', async (_name, evidence, config, why) => {
    const answer = appraiseEat(evidence, config)
    await expect(answer).rejects.toThrow(RefusedEvidence)
    await expect(answer).rejects.toThrow(why)
  })

  it.each([
    ['JWT', signEatJwt(KEY)],
    ['CWT', signEatCwt(KEY)],
  ])('refuses a %s if the request has no nonce', async (_name, evidence) => {
    const context = makeContext(undefined, { nonce: undefined })
    await expect(appraiseEat(evidence, {}, context)).rejects.toThrow('The token needs a nonce in the request')
  })
})
