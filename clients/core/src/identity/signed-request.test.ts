import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { signCompactJws } from '../../../../test/support/jws.ts'
import { softPasskey } from '../../../../test/support/passkeys.ts'
import { signRequest } from '../../../../test/support/request-signatures.ts'
import { BODY, ed25519, keyOf, p256, signed, URL_SIGNED, verified } from '../../../../test/support/signed-requests.ts'
import { WRONG_TIMES } from '../../../../test/support/wrong-times.ts'
import { sha256Text } from '../encoding/sha256.ts'
import { generateKeyPair, seedToPem } from '../keys/ed25519.ts'
import { signOperatorApproval } from './operator-approval.ts'
import type { PasskeyBinding } from './operator-manifest.ts'
import { type SignedRequest, verifySignedRequest } from './signed-request.ts'

const ISSUER = 'https://auth.example'
const OPERATOR = 'aaaaaaaa-1111-8111-8111-111111111111'
const RPC = 'PATCH /v1/operators/o/agents'
const pair = generateKeyPair()
const key = keyOf(createPrivateKey(seedToPem(pair.seed)))
const bytes = new TextEncoder().encode(BODY)
const bodyDigest = sha256Text(bytes, 'base64url')
const CLAIMS = { iss: OPERATOR, sub: OPERATOR, aud: ISSUER, iat: NOW_S, exp: NOW_S + 60, jti: 'j-1', rpc: RPC }

function assertion(claims: object = { body: bodyDigest }, header: object = {}): string {
  const head = { alg: 'EdDSA', typ: 'auth4agent-operator+jwt', kid: key.kid, ...header }
  return signCompactJws(head, { ...CLAIMS, ...claims }, pair.privateKey)
}

const request = (edits: Partial<SignedRequest> = {}): SignedRequest => ({
  rpc: RPC,
  signatures: [assertion()],
  body: bytes,
  bodyDigest,
  ...edits,
})
const verdict = (edits: Partial<SignedRequest> = {}) => verifySignedRequest(request(edits), key.jwk)

describe('verifySignedRequest', () => {
  it('verifies an assertion that covers the body', () => {
    expect(verdict()).toEqual({
      ok: true,
      kind: 'assertion',
      issuer: OPERATOR,
      audience: ISSUER,
      id: 'j-1',
      signedAt: NOW_S,
      coversBody: true,
      hasBody: true,
    })
  })

  it('says that an assertion without the claim body does not cover the body', () => {
    expect(verdict({ signatures: [assertion({})] })).toMatchObject({ ok: true, coversBody: false, hasBody: true })
  })

  it('verifies a request of which only the digest was kept', () => {
    expect(verdict({ body: undefined })).toMatchObject({ ok: true, coversBody: true, hasBody: false })
  })

  it('finds the approval of a key among several signatures', async () => {
    const other = generateKeyPair()
    const root = { publicKey: other.publicKey, sign: async (message: Uint8Array) => other.privateKey.sign(message) }
    const content = { operatorId: OPERATOR, issuer: ISSUER, nowS: NOW_S, rpc: RPC, bodyDigest }
    const both = request({ signatures: [assertion(), await signOperatorApproval(root, content)] })
    const { jwk } = keyOf(createPrivateKey(seedToPem(other.seed)))
    expect(verifySignedRequest(both, jwk)).toMatchObject({ ok: true, kind: 'approval', coversBody: true })
    expect(verifySignedRequest(both, key.jwk)).toMatchObject({ ok: true, kind: 'assertion' })
  })

  it.each<[string, Partial<SignedRequest>, string]>([
    ['another body', { body: new TextEncoder().encode(`${BODY} `) }, 'must be the SHA-256 of the body'],
    ['another digest', { body: undefined, bodyDigest: 'x' }, 'another body'],
    ['another call', { rpc: 'PATCH /v1/operators/p/agents' }, 'another call'],
    ['no signature', { signatures: [] }, 'must have a signature of the key'],
    ['a signature of another key', { signatures: [assertion({}, { kid: 'x' })] }, 'must have a signature of the key'],
    ['a changed signature', { signatures: [assertion().replace(/[^.]{4}$/, 'AAAA')] }, 'does not match the key'],
    ['claims that were changed', { signatures: [swapped(assertion(), assertion({ jti: 'j-2' }))] }, 'does not match'],
    ['an access token', { signatures: [assertion({}, { typ: 'at+jwt' })] }, 'must have a signature of the key'],
    ['no jti', { signatures: [assertion({ jti: undefined })] }, 'must be texts'],
    ...WRONG_TIMES.map(([name, value]): [string, Partial<SignedRequest>, string] => [
      `an iat that is ${name}`,
      { signatures: [assertion({ iat: value })] },
      'iat must be whole Unix seconds',
    ]),
  ])('refuses a request with %s', (_name, edits, problem) => {
    const result = verdict(edits)
    expect(result.ok ? 'accepted' : result.problem).toContain(problem)
  })
})

describe('verifySignedRequest with a message signature', () => {
  it.each([
    ['Ed25519', ed25519],
    ['P-256', p256],
  ])('verifies the texts that the server keeps, with a key of type %s', async (_name, privateKey) => {
    const { signatures } = await verified(signed({ parameters: { nonce: 'a"\\b' } }, privateKey), BODY, privateKey)
    expect(verifySignedRequest(request({ signatures }), keyOf(privateKey).jwk)).toEqual({
      ok: true,
      kind: 'message-signature',
      issuer: undefined,
      audience: URL_SIGNED,
      id: 'a"\\b',
      signedAt: NOW_S,
      coversBody: true,
      hasBody: true,
    })
  })

  it('accepts an issuer with a path, parameters of any kind, and texts that look like parameters', () => {
    const label = 'x'
    const url = 'https://auth.example/base/v1/operators/o/agents'
    const { kid: keyid, jwk } = keyOf(ed25519)
    const parameters = { created: NOW_S, nonce: ';keyid="y"', other: 1.5 }
    const signatures = textsOf(
      signRequest({ privateKey: ed25519, keyid }, { method: 'PATCH', url, body: BODY }, { label, parameters }),
      url,
    )
    expect(verifySignedRequest(request({ signatures }), jwk)).toMatchObject({ ok: true, id: ';keyid="y"' })
  })

  it('finds the approval of another key after the texts of the signature', async () => {
    const { signatures } = await verified(signed())
    const both = request({ signatures: [...signatures, assertion()] })
    expect(verifySignedRequest(both, key.jwk)).toMatchObject({ ok: true, kind: 'assertion' })
    expect(verifySignedRequest(both, keyOf(ed25519).jwk)).toMatchObject({ ok: true, kind: 'message-signature' })
  })

  it.each<[string, (texts: readonly string[]) => readonly string[], Partial<SignedRequest>, string]>([
    ['another call', (texts) => texts, { rpc: 'PATCH /v1/operators/o/agents/x' }, 'another call'],
    ['another method', (texts) => texts, { rpc: 'POST /v1/operators/o/agents' }, 'another call'],
    ['a gRPC method', (texts) => texts, { rpc: 'auth4agent.v1.X/Y' }, 'another call'],
    ['another body', (texts) => texts, { body: undefined, bodyDigest: 'x' }, 'another body'],
    ['a changed base', ([base = '', ...rest]) => [base.replace('PATCH', 'PUT'), ...rest], {}, 'does not match the key'],
    ['another input', ([base = '', input = '', ...rest]) => [base, `${input};x`, ...rest], {}, 'the form of RFC 9421'],
    [
      'another label',
      ([base = '', input = '', text = '']) => [base, input, text.replace('sig1', 'sig2')],
      {},
      'the form of RFC 9421',
    ],
    ['no signature', ([base = '', input = '']) => [base, input], {}, 'the form of RFC 9421'],
    [
      'a base without digest',
      ([base = '', ...rest]) => [base.replace('"content-digest"', '"x"'), ...rest],
      {},
      'the form of RFC 9421',
    ],
    [
      'a signature for another program',
      (texts) => texts.map((text) => text.replace('auth4agent', 'x')),
      {},
      'the form of RFC 9421',
    ],
  ])('refuses texts with %s', async (_name, change, edits, problem) => {
    const { signatures } = await verified(signed())
    const result = verifySignedRequest(request({ signatures: change(signatures), ...edits }), keyOf(ed25519).jwk)
    expect(result.ok ? 'accepted' : result.problem).toContain(problem)
  })

  it('refuses a request of another key', async () => {
    const { signatures } = await verified(signed())
    const { jwk } = keyOf(generateKeyPairSync('ed25519').privateKey)
    expect(verifySignedRequest(request({ signatures }), jwk)).toMatchObject({ ok: false })
  })
})

/** Puts the claims of another assertion under the signature of an assertion. */
function swapped(text: string, other: string): string {
  const [header, , signature] = text.split('.')
  return [header, other.split('.')[1], signature].join('.')
}

/** Builds the texts that the server keeps from the headers of a PATCH with `BODY`. */
function textsOf(headers: ReturnType<typeof signRequest>, url: string): readonly string[] {
  const input = headers['signature-input']
  const params = input.slice(input.indexOf('=') + 1)
  const covered = `"@method": PATCH\n"@target-uri": ${url}\n"content-digest": ${headers['content-digest']}`
  return [`${covered}\n"@signature-params": ${params}`, input, headers.signature]
}

describe('verifySignedRequest with a passkey', () => {
  const passkey = softPasskey(ISSUER)
  const claims = { ...CLAIMS, body: bodyDigest, nonce: 'long ago' }
  const by = (edits: Readonly<Record<string, unknown>> = {}, typ = 'auth4agent-operator+jwt') =>
    request({ signatures: [passkey.signJws(typ, { ...claims, ...edits })] })
  const verdictOf = (signed: SignedRequest, webauthn: PasskeyBinding | undefined = passkey.webauthn) =>
    verifySignedRequest(signed, passkey.jwk, webauthn)

  it('verifies an assertion offline, without the freshness of its nonce', () => {
    expect(verdictOf(by())).toEqual({
      ok: true,
      kind: 'assertion',
      issuer: OPERATOR,
      audience: ISSUER,
      id: 'j-1',
      signedAt: NOW_S,
      coversBody: true,
      hasBody: true,
    })
  })

  it.each<readonly [string, SignedRequest, string]>([
    [
      'without the digest of the body',
      by({ body: undefined }),
      'The assertion of a passkey must contain the digest of the body',
    ],
    ['for another call', by({ rpc: 'POST /other' }), 'The signature is for another call: POST /other'],
    ['for another body', by({ body: 'x' }), 'The signature is for another body'],
    ['as an approval', by({}, 'auth4agent-operator-approval+jwt'), 'A passkey signs only assertions'],
    ['as the administrator', by({}, 'auth4agent-admin+jwt'), 'A passkey signs only assertions'],
    [
      'for a server with another host',
      by({ aud: 'https://other.example' }),
      'The passkey is bound to the host auth.example',
    ],
    ['for no server', by({ aud: undefined }), 'The passkey is bound to the host auth.example'],
  ])('refuses an assertion %s', (_name, signed, problem) => {
    expect(verdictOf(signed)).toEqual({ ok: false, problem })
  })

  it('refuses the form for a key that is no passkey, and another form for a passkey', () => {
    const problem = 'The signature does not match the key'
    expect(verifySignedRequest(by(), passkey.jwk)).toEqual({ ok: false, problem })
    const plain = verifySignedRequest(request(), key.jwk, passkey.webauthn)
    expect(plain).toEqual({ ok: false, problem: 'A passkey signs only with the alg urn:auth4agent:alg:webauthn' })
  })

  it('refuses the message signature of a passkey', async () => {
    const { jwk } = keyOf(ed25519)
    const { signatures } = await verified(signed())
    const message = { rpc: RPC, signatures, body: bytes, bodyDigest }
    expect(verifySignedRequest(message, jwk).ok).toBe(true)
    expect(verifySignedRequest(message, jwk, passkey.webauthn).ok).toBe(false)
  })
})
