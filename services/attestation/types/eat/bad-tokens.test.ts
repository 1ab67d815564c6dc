import { describe, expect, it } from 'vitest'
import { makeContext, NOW_S } from '../../../../test/support/attestation/appraisal-context.ts'
import { encodeCbor, signCose } from '../../../../test/support/attestation/cose.ts'
import { appraiseEat, EAT_KEY as KEY, signEatCwt, signEatJwt } from '../../../../test/support/attestation/eat-tokens.ts'
import { makeTestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { RefusedEvidence } from '../attestor-type.ts'

const { binding, issuer } = makeContext()
const NONCE = Uint8Array.from(binding.nonce?.bytes ?? [])
const TEXT = binding.nonce?.text ?? ''
const LONG = Array.from({ length: 65 }, () => 'a')
const OTHER = NONCE.map((byte) => byte ^ 1)

type Row = [name: string, evidence: Uint8Array, why: string]

/** A token of each encoding with a claim that is changed, and why it is refused. */
function bad(name: string, json: [string, unknown], cbor: [number | string, unknown], why: string): [Row, Row] {
  return [
    [`JWT with ${name}`, signEatJwt(KEY, { [json[0]]: json[1] }), why],
    [`CWT with ${name}`, signEatCwt(KEY, [cbor]), why],
  ]
}

describe('appraise of eat', () => {
  it.each<[string, Uint8Array, string]>([
    ...bad('no nonce', ['eat_nonce', undefined], [10, undefined], 'must have the nonce of the request as its only'),
    ...bad('another nonce', ['eat_nonce', `${TEXT}A`], [10, OTHER], 'must have the nonce of the request as its only'),
    ...bad(
      'a second nonce',
      ['eat_nonce', [TEXT, 'other']],
      [10, [NONCE, OTHER]],
      'must have the nonce of the request',
    ),
    ...bad('the nonce twice', ['eat_nonce', [TEXT, TEXT]], [10, [NONCE, NONCE]], 'must have the nonce of the request'),
    ...bad(
      'no nonce in a list',
      ['eat_nonce', []],
      [10, []],
      'must have the nonce of the request as its only eat_nonce',
    ),
    ...bad('the nonce in two lists', ['eat_nonce', [[TEXT]]], [10, [[NONCE]]], 'must have the nonce of the request as'),
    ...bad(
      'a nonce in the other encoding',
      ['eat_nonce', [...NONCE]],
      [10, TEXT],
      'must have the nonce of the request',
    ),
    ...bad(
      'a part of the nonce',
      ['eat_nonce', TEXT.slice(1)],
      [10, NONCE.slice(1)],
      'must have the nonce of the request',
    ),
    ...bad('submods', ['submods', { a: {} }], [266, new Map([['a', new Map()]])], 'must not have submods'),
    ...bad(
      'another audience',
      ['aud', 'https://other.example'],
      [3, 'https://other.example'],
      `must have the aud ${issuer}`,
    ),
    ...bad('no audience in a list', ['aud', []], [3, []], 'The aud of the token must be a text, or a list of 1 to 32'),
    ...bad('an exp in the past', ['exp', NOW_S - 100], [4, NOW_S - 100], 'must not have expired'),
    ...bad('an nbf in the future', ['nbf', NOW_S + 100], [5, NOW_S + 100], 'must be valid already'),
    ...bad('an iat in the future', ['iat', NOW_S + 100], [6, NOW_S + 100], 'The iat of the token must not be in the'),
    ...bad('an exp that is a text', ['exp', '1'], [4, '1'], 'The exp of the token must be a whole number of Unix'),
    ...bad('a short ueid', ['ueid', 'AAAAAAAA'], [256, new Uint8Array(6)], 'The ueid of the token must be as RFC 9711'),
    ...bad('a long ueid', ['ueid', 'A'.repeat(46)], [256, new Uint8Array(34)], 'The ueid of the token must be as RFC'),
    ...bad('a ueid that is a number', ['ueid', 7], [256, 7], 'The ueid of the token must be as RFC 9711 defines it'),
    ...bad(
      'an oemid of 4 bytes',
      ['oemid', 'AAAAAA'],
      [258, new Uint8Array(4)],
      'The oemid of the token must be as RFC',
    ),
    ...bad('a negative oemid', ['oemid', -1], [258, -1], 'The oemid of the token must be as RFC 9711 defines it'),
    ...bad(
      'an empty hwmodel',
      ['hwmodel', ''],
      [259, new Uint8Array()],
      'The hwmodel of the token must be as RFC 9711',
    ),
    ...bad(
      'an empty hwversion',
      ['hwversion', []],
      [260, []],
      'The hwversion of the token must be as RFC 9711 defines',
    ),
    ...bad(
      'a hwversion of three',
      ['hwversion', ['1', 1, 1]],
      [260, ['1', 1, 1]],
      'The hwversion of the token must be',
    ),
    ...bad(
      'a scheme that is a list',
      ['swversion', ['1', []]],
      [271, ['1', []]],
      'The swversion of the token must be as',
    ),
    ...bad(
      'a swname that is a number',
      ['swname', 1],
      [270, 1],
      'The swname of the token must be as RFC 9711 defines it',
    ),
    ...bad(
      'a long swname',
      ['swname', 'a'.repeat(1_025)],
      [270, 'a'.repeat(1_025)],
      'The swname of the token must be as',
    ),
    ...bad('U+0000 in a swname', ['swname', 'a\0'], [270, 'a\0'], 'The swname of the token must be as RFC 9711'),
    ...bad('an oemboot that is a number', ['oemboot', 1], [262, 1], 'The oemboot of the token must be as RFC 9711'),
    ...bad(
      'an unknown dbgstat',
      ['dbgstat', 'off'],
      [263, 5],
      'The dbgstat of the token must be as RFC 9711 defines it',
    ),
    ...bad(
      'a dbgstat of the other encoding',
      ['dbgstat', 1],
      [263, 'disabled'],
      'The dbgstat of the token must be as RFC',
    ),
    ...bad('a negative uptime', ['uptime', -1], [261, -1], 'The uptime of the token must be as RFC 9711 defines it'),
    ...bad('U+0000 in a private claim', ['zone', 'a\0'], ['zone', 'a\0'], 'The zone of the token must be a text of at'),
    ...bad('a long list', ['zone', LONG], ['zone', LONG], 'The zone of the token must be a text of at most'),
    ...bad('a long text', ['zone', 'a'.repeat(1_025)], ['zone', 'a'.repeat(1_025)], 'The zone of the token must be a'),
    [
      'JWT with a fraction as a private claim',
      signEatJwt(KEY, { zone: 1.5 }),
      'The zone of the token must be a text of',
    ],
    ...bad(
      'null as a private claim',
      ['zone', null],
      ['zone', null],
      'The zone of the token must be a text of at most',
    ),
    ...bad(
      'a map as a private claim',
      ['zone', {}],
      ['zone', new Map()],
      'The zone of the token must be a text of at most',
    ),
    ...bad(
      'a mixed list as a private claim',
      ['zone', ['a', 1]],
      ['zone', ['a', 1]],
      'The zone of the token must be a text',
    ),
    [
      'JWT with a fraction as an iat',
      signEatJwt(KEY, { iat: NOW_S + 0.5 }),
      'The iat of the token must be a whole number',
    ],
    [
      'JWT with a padded ueid',
      signEatJwt(KEY, { ueid: `${'A'.repeat(14)}==` }),
      'The ueid of the token must be as RFC',
    ],
    ['CWT with a float as an iat', signEatCwt(KEY, [[6, NOW_S + 0.5]]), 'must not have floating-point numbers'],
    ['CWT with a tagged iat', signEatCwt(KEY, [[6, new Date(NOW_S * 1_000)]]), 'must not have the CBOR tag 1 here'],
    [
      'CWT with ueid as a text key too',
      signEatCwt(KEY, [['ueid', 'a']]),
      'The token must name ueid by its integer key',
    ],
    ['CWT with exp as a text key', signEatCwt(KEY, [['exp', NOW_S]]), 'The token must name exp by its integer key'],
    ['CWT whose payload is a list', signCose(KEY, encodeCbor([1])), 'The payload of the token must be a map'],
    [
      'CWT with bytes after its claims',
      signCose(KEY, Buffer.from('a000', 'hex')),
      'The payload of the token must not have',
    ],
    [
      'CWT with a claim twice',
      signCose(KEY, Buffer.from('a201000100', 'hex')),
      'must not have a map with duplicate keys',
    ],
    ['JWT of the type of an access token', signEatJwt(KEY, {}, { typ: 'at+jwt' }), 'must have the typ eat+jwt or JWT'],
    ['JWT without kid', signEatJwt(KEY, {}, { kid: undefined }), 'The header of the token must have a kid'],
    [
      'JWT of another key',
      signEatJwt({ ...makeTestKey('ES256'), alg: 'ES256' }),
      'must have a valid signature of its key',
    ],
    [
      'CWT of another key',
      signEatCwt({ ...makeTestKey('ES256'), alg: 'ES256' }),
      'must have a valid signature of its key',
    ],
    [
      'JWT with a line break',
      Buffer.concat([signEatJwt(KEY), Buffer.from('\n')]),
      'must be visible ASCII without white',
    ],
    [
      'JWT with a byte order mark',
      Buffer.concat([Buffer.from('\ufeff'), signEatJwt(KEY)]),
      'must not have simple values besides',
    ],
    ['token of no bytes', new Uint8Array(), 'The token must have three parts separated by dots'],
    ['token that is JSON', Buffer.from('{}'), 'The token must have three parts separated by dots'],
    ['JWT of more than 16 KiB', signEatJwt(KEY, { a: 'a'.repeat(16_384) }), 'The token must have at most 16384 bytes'],
    [
      'CWT of more than 16 KiB',
      signEatCwt(KEY, [['a', 'a'.repeat(16_384)]]),
      'The token must have at most 16384 bytes',
    ],
  ])('refuses a %s', async (_name, evidence, why) => {
    const answer = appraiseEat(evidence)
    await expect(answer).rejects.toThrow(RefusedEvidence)
    await expect(answer).rejects.toThrow(why)
  })
})
