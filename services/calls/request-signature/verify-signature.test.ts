import type { KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { contentDigest, type SignatureEdits } from '../../../test/support/request-signatures.ts'
import {
  add,
  BODY,
  ed25519,
  edit,
  fieldOf,
  keyOf,
  messageOf,
  p256,
  signed,
  URL_SIGNED,
  verified,
} from '../../../test/support/signed-requests.ts'
import { findSignature } from './find-signature.ts'
import type { SignableRequest } from './signable-request.ts'
import { verifyRequest } from './verify-signature.ts'

describe('verifyRequest', () => {
  it('returns key, nonce, expiry and the signed texts of a good request', async () => {
    const result = await verified(signed({ parameters: { nonce: 'n-1' } }))
    expect(result).toMatchObject({ nonce: 'n-1', expiresAt: NOW_S + 300, key: { label: 'laptop' } })
    const [base, input, signature] = result.signatures
    const params = `("@method" "@target-uri" "content-digest");created=${NOW_S};nonce="n-1";keyid="${keyOf(ed25519).kid}";tag="auth4agent"`
    expect(base).toBe(
      `"@method": PATCH\n"@target-uri": ${URL_SIGNED}\n"content-digest": ${contentDigest(BODY)}\n"@signature-params": ${params}`,
    )
    expect(input).toBe(`sig1=${params}`)
    expect(signature).toMatch(/^sig1=:[\w+/=]{88}:$/)
  })

  it.each<[string, SignatureEdits, KeyObject?]>([
    ['alg ed25519', { parameters: { alg: 'ed25519' } }],
    ['a P-256 key', {}, p256],
    ['a P-256 key and its alg', { parameters: { alg: 'ecdsa-p256-sha256' } }, p256],
    ['another label', { label: 'x*.-_9' }],
    [
      'further components',
      { components: ['"@authority"', '"@method"', '"@query"', '"@target-uri"', '"content-digest"'] },
    ],
    ['expires in the future', { parameters: { expires: NOW_S + 1 } }],
    ['expires within the skew', { parameters: { expires: NOW_S - 9 } }],
    ['created 300 s and the skew ago', { parameters: { created: NOW_S - 310 } }],
    ['created within the skew', { parameters: { created: NOW_S + 10 } }],
    [
      'a digest of another algorithm too',
      { contentDigest: `${contentDigest(BODY, 'sha-512')}, ${contentDigest(BODY)}` },
    ],
  ])('accepts %s', async (_name, edits, key = ed25519) => {
    expect(await messageOf(signed(edits, key), BODY, key)).toBe('accepted')
  })

  it.each<[string, SignatureEdits, string]>([
    ['no @method', { components: ['"@target-uri"', '"content-digest"'] }, 'does not cover @method'],
    ['no @target-uri', { components: ['"@method"', '"@path"', '"content-digest"'] }, 'does not cover @target-uri'],
    ['no content-digest', { components: ['"@method"', '"@target-uri"'] }, 'does not cover content-digest'],
    [
      'only a member of Content-Digest',
      { components: ['"@method"', '"@target-uri"', '"content-digest";key="sha-256"'] },
      'not cover content-digest',
    ],
    [
      'a component twice',
      { components: ['"@method"', '"@method"', '"@target-uri"', '"content-digest"'] },
      'each component once',
    ],
    [
      'a header that is missing',
      { components: ['"@method"', '"@target-uri"', '"content-digest"', '"x"'] },
      'headers that the request has',
    ],
    [
      'a component of responses',
      { components: ['"@method"', '"@target-uri"', '"content-digest"', '"@status"'] },
      'that a request has',
    ],
    [
      'an unknown component',
      { components: ['"@method"', '"@target-uri"', '"content-digest"', '"@x"'] },
      'must not use',
    ],
    [
      'a component in upper case',
      { components: ['"@Method"', '"@target-uri"', '"content-digest"'] },
      'the form of RFC 9421',
    ],
    [
      '33 components',
      { components: Array.from({ length: 33 }, (_, index) => `"x-${index}"`) },
      'at most 32 components',
    ],
    ['no created', { parameters: { created: undefined } }, 'created'],
    ['created 311 s ago', { parameters: { created: NOW_S - 311 } }, 'created must be at most 300 seconds ago'],
    ['created in the future', { parameters: { created: NOW_S + 11 } }, 'created must not be in the future'],
    ['created as text', { parameters: { created: String(NOW_S) } }, 'the form of RFC 9421'],
    ['expires in the past', { parameters: { expires: NOW_S - 10 } }, 'expired'],
    ['no nonce', { parameters: { nonce: undefined } }, 'nonce'],
    ['an empty nonce', { parameters: { nonce: '' } }, 'nonce'],
    ['a nonce of 65 characters', { parameters: { nonce: 'n'.repeat(65) } }, 'nonce'],
    ['a nonce with a space', { parameters: { nonce: 'a b' } }, 'nonce'],
    ['no keyid', { parameters: { keyid: undefined } }, 'keyid'],
    ['another alg', { parameters: { alg: 'ecdsa-p256-sha256' } }, 'alg must be absent'],
    ['an unknown alg', { parameters: { alg: 'hmac-sha256' } }, 'alg must be absent'],
    ['only SHA-512', { contentDigest: contentDigest(BODY, 'sha-512') }, 'sha-256 exactly once'],
    ['two digests', { contentDigest: `${contentDigest(BODY)}, ${contentDigest('x')}` }, 'sha-256 exactly once'],
    ['a digest in hex', { contentDigest: 'sha-256="00"' }, 'byte sequence of 32 bytes'],
    ['a digest of 31 bytes', { contentDigest: `sha-256=:${Buffer.alloc(31).toString('base64')}:` }, '32 bytes'],
    ['a digest that is no dictionary', { contentDigest: 'sha-256=:!:' }, 'Content-Digest must be a dictionary'],
  ])('refuses %s', async (_name, edits, why) => {
    expect(await messageOf(signed(edits))).toContain(why)
    expect(await refusalOf(verified(signed(edits)))).toBe('INVALID_REQUEST_SIGNATURE')
  })

  it.each<[string, (request: SignableRequest) => SignableRequest]>([
    ['method', (request) => ({ ...request, method: 'POST' })],
    ['method, in lower case', (request) => ({ ...request, method: 'patch' })],
    ['query', (request) => ({ ...request, url: `${URL_SIGNED}&y=2` })],
    ['path', (request) => ({ ...request, url: URL_SIGNED.replace('/o/', '/p/') })],
    ['host', (request) => ({ ...request, url: URL_SIGNED.replace('auth.example', 'evil.example') })],
    ['scheme', (request) => ({ ...request, url: URL_SIGNED.replace('https', 'http') })],
    ['Content-Digest', (request) => edit(request, 'content-digest', contentDigest('other'))],
    [
      'tag, which was another one',
      (request) => edit(signed({ parameters: { tag: 'x' } }), 'signature-input', fieldOf(request, 'signature-input')),
    ],
    [
      'created',
      (request) =>
        edit(request, 'signature-input', fieldOf(request, 'signature-input').replace(`${NOW_S}`, `${NOW_S - 1}`)),
    ],
    [
      'order of the components',
      (request) =>
        edit(
          request,
          'signature-input',
          fieldOf(request, 'signature-input').replace('"@method" "@target-uri"', '"@target-uri" "@method"'),
        ),
    ],
  ])('refuses a request with another %s than the signed one', async (_name, change) => {
    expect(await messageOf(change(signed()))).toContain('The signature does not match the request')
  })

  it('refuses a signature of another key', async () => {
    expect(await messageOf(signed(), BODY, p256)).toContain('The signature does not match the request')
  })

  it('refuses another body than the signed one, and names the right digest', async () => {
    for (const body of ['', 'null', `${BODY} `, '{"a":1}']) {
      expect(await refusalOf(verified(signed(), body))).toBe('BODY_DIGEST_MISMATCH')
      expect(await messageOf(signed(), body)).toContain(contentDigest(body))
    }
  })

  it('throws UNAVAILABLE when an older gateway has not forwarded the body', async () => {
    const request = signed()
    const found = findSignature(request) ?? { label: '', input: [[], new Map()] }
    const rules = { nowS: NOW_S, skewS: 10, body: undefined, findKey: async () => keyOf(ed25519) }
    expect(await refusalOf(verifyRequest(request, found, rules))).toBe('UNAVAILABLE')
  })

  it.each<[string, (request: SignableRequest) => SignableRequest, string]>([
    ['two signatures for this server', (request) => add(request, signed({ label: 'b' })), 'only one signature'],
    ['the label of the signature twice', (request) => add(request, signed()), 'only one signature'],
    [
      'its label again, for another program',
      (request) => add(request, signed({ parameters: { tag: 'x' } })),
      'only one signature',
    ],
    [
      'its label before, for another program',
      (request) => add(signed({ parameters: { tag: 'x' } }), request),
      'each label once',
    ],
    [
      'its label again in Signature alone',
      (request) => ({
        ...request,
        fields: [...request.fields, { name: 'signature', value: fieldOf(request, 'signature') }],
      }),
      'each label once',
    ],
    [
      'two tags, of which the last is of another program',
      (request) => edit(request, 'signature-input', `${fieldOf(request, 'signature-input')};tag="x"`),
      'only one signature',
    ],
    [
      'another label in Signature',
      (request) => edit(request, 'signature', fieldOf(request, 'signature').replace('sig1', 'sig2')),
      'the same labels',
    ],
    [
      'no Signature',
      (request) => ({ ...request, fields: request.fields.filter(({ name }) => name !== 'signature') }),
      'headers that the request has',
    ],
    ['a signature that is a text', (request) => edit(request, 'signature', 'sig1="x"'), 'the form of RFC 9421'],
    [
      'a signature of 63 bytes',
      (request) => edit(request, 'signature', `sig1=:${Buffer.alloc(63).toString('base64')}:`),
      'does not match',
    ],
    [
      'the covered header X not in ASCII',
      () => signed({ components: ['"@method"', '"@target-uri"', '"content-digest"', '"x"'] }, ed25519, { x: 'é' }),
      'in ASCII',
    ],
  ])('refuses %s', async (_name, change, why) => {
    expect(await messageOf(change(signed()))).toContain(why)
  })

  it('ignores signatures for other programs', async () => {
    expect(await messageOf(add(signed(), signed({ label: 'proxy', parameters: { tag: 'web-bot-auth' } })))).toBe(
      'accepted',
    )
  })
})
