import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { DPOP_RULES, dpopProof } from '../../../../test/support/dpop-proofs.ts'
import { testTokenKey } from '../../../../test/support/token-keys.ts'
import { checkDpopProof } from './dpop-proof.ts'

const KEY = testTokenKey('EdDSA')
const THREE_PARTS = 'must have three parts separated by dots: header.payload.signature'

const checkText = (text: string) => checkDpopProof(text, DPOP_RULES)
const check = (header: object) => checkText(dpopProof(KEY, { header }))
const encode = (text: string) => Buffer.from(text).toString('base64url')
const about = (part: string, rest: string) => ({ ok: false, demand: `the ${part} ${rest}` })

describe('checkDpopProof, about the form', () => {
  const GOOD = dpopProof(KEY)
  const [header, payload, signature] = GOOD.split('.')
  const claims = JSON.stringify({ jti: 'proof-1', htm: 'GET', htu: 'https://api.example/orders', iat: NOW_S })

  it.each([
    ['no typ', undefined],
    ['typ JWT', 'JWT'],
    ['typ of an access token', 'at+jwt'],
    ['typ of a client assertion', 'client-authentication+jwt'],
    ['typ with application/', 'application/dpop+jwt'],
    ['typ in upper case', 'DPOP+JWT'],
    ['an empty typ', ''],
    ['typ in an array', ['dpop+jwt']],
  ])('refuses %s', (_name, typ) => {
    expect(check({ typ })).toEqual(about('header', 'must have the typ dpop+jwt'))
  })

  it.each([
    ['crit', { crit: ['b64'] }, 'must not have crit or b64'],
    ['an empty crit', { crit: [] }, 'must not have crit or b64'],
    ['b64', { b64: false }, 'must not have crit or b64'],
    ['a kid that is empty', { kid: '' }, 'must have a kid of 1 to 128 visible ASCII characters'],
    ['a kid that is a number', { kid: 1 }, 'must have a kid of 1 to 128 visible ASCII characters'],
  ])('refuses %s in the header', (_name, edits, demand) => {
    expect(check(edits)).toEqual(about('header', demand))
  })

  it.each([
    ['nothing', '', THREE_PARTS],
    ['two proofs joined by a comma', `${GOOD},${GOOD}`, THREE_PARTS],
    ['two proofs joined by a comma and a space', `${GOOD}, ${GOOD}`, THREE_PARTS],
    ['no signature', `${header}.${payload}.`, THREE_PARTS],
    ['a text of 4097 bytes', `${header}.${payload}.`.padEnd(4_097, 'A'), 'must have at most 4096 bytes'],
  ])('refuses %s', (_name, text, demand) => {
    expect(checkText(text)).toEqual(about('text', demand))
  })

  it.each([
    ['padding', `${GOOD}==`, 'signature', 'must be canonical base64url without padding'],
    ['a comma at the end', `${GOOD},`, 'signature', 'must be canonical base64url without padding'],
    ['a space in front', ` ${GOOD}`, 'header', 'must be canonical base64url without padding'],
    ['a newline at the end', `${GOOD}\n`, 'signature', 'must be canonical base64url without padding'],
    [
      'a claim twice',
      `${header}.${encode(claims.replace('{', '{"htm":"POST",'))}.${signature}`,
      'payload',
      'must not have two members of one name in an object',
    ],
    [
      'a header member twice',
      `${encode(`{"typ":"dpop+jwt","typ":"dpop+jwt","alg":"EdDSA","jwk":{}}`)}.${payload}.${signature}`,
      'header',
      'must not have two members of one name in an object',
    ],
    [
      'a member of jwk twice',
      `${encode(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","kty":"OKP"}}`)}.${payload}.${signature}`,
      'header',
      'must not have two members of one name in an object',
    ],
    [
      'a payload that is an array',
      `${header}.${encode(`[${claims}]`)}.${signature}`,
      'payload',
      'must be a JSON object',
    ],
  ])('refuses %s', (_name, text, part, demand) => {
    expect(checkText(text)).toEqual(about(part, demand))
  })

  it('accepts a proof of 4096 bytes and refuses every longer one', () => {
    const texts = Array.from({ length: 300 }, (_, extra) =>
      dpopProof(KEY, {
        header: { note: 'n'.repeat(extra % 3) },
        claims: { note: 'n'.repeat(2_750 + Math.floor(extra / 3)) },
      }),
    )
    expect(texts.map(({ length }) => length)).toContain(4_096)
    expect(texts.map(({ length }) => length)).toContain(4_097)
    for (const text of texts) expect(checkText(text).ok).toBe(text.length <= 4_096)
  })
})
