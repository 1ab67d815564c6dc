import { createPrivateKey } from 'node:crypto'
import { createSignature, verifySignature } from 'http-message-sig'
import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../test/support/assertions.ts'
import { contentDigest, signRequest } from '../../../test/support/request-signatures.ts'
import { BODY, edit, keyOf, messageOf, URL_SIGNED } from '../../../test/support/signed-requests.ts'
import type { OperatorKey } from '../operator-keys.ts'
import { findSignature } from './find-signature.ts'
import type { Field, SignableRequest } from './signable-request.ts'

/** The key test-key-ed25519 of RFC 9421, appendix B.1.4. */
const RFC_KEY = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
    x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  },
})
/** The request test-request of appendix B.2, and the signature of appendix B.2.6. */
const RFC_FIELDS: readonly Field[] = [
  { name: 'host', value: 'example.com' },
  { name: 'date', value: 'Tue, 20 Apr 2021 02:07:55 GMT' },
  { name: 'content-type', value: 'application/json' },
  {
    name: 'content-digest',
    value: 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  },
  { name: 'content-length', value: '18' },
  {
    name: 'signature-input',
    value:
      'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
  },
  {
    name: 'signature',
    value: 'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
  },
]
const RFC_REQUEST: SignableRequest = {
  method: 'POST',
  url: 'https://example.com/foo?param=Value&Pet=dog',
  fields: RFC_FIELDS,
}

describe('the signature of RFC 9421 B.2.6', () => {
  it('is verified by the library, and changed in one component it is not', async () => {
    const key = keyOf(RFC_KEY)
    const verifier = {
      algorithm: 'ed25519',
      verify: async (data: Uint8Array, signature: Uint8Array) => isGenuine(key, data, signature),
    }
    const policy = { algorithms: ['ed25519'], requiredComponents: [], requiredParameters: [] }
    const verify = ({ method, url: targetUri, fields }: SignableRequest) =>
      verifySignature({ kind: 'request', method, targetUri, fields }, { policy, resolveVerifier: () => verifier })
    expect((await verify(RFC_REQUEST)).label).toBe('sig-b26')
    await expect(verify(edit(RFC_REQUEST, 'content-type', 'text/plain'))).rejects.toThrow('verification failed')
  })

  it('is not for this server, because it has no tag', () => {
    expect(findSignature(RFC_REQUEST)).toBeUndefined()
  })

  it('is accepted with our components and parameters, signed by hand with the key of the RFC', async () => {
    const body = '{"hello": "world"}'
    const { method, url } = RFC_REQUEST
    const parameters = { created: NOW_S, nonce: 'b26', keyid: 'test-key-ed25519', tag: 'auth4agent' }
    const headers = signRequest(
      { privateKey: RFC_KEY, keyid: '' },
      { method, url, body },
      { label: 'sig-b26', parameters },
    )
    expect(headers).toEqual({
      'content-digest': 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
      'signature-input': `sig-b26=("@method" "@target-uri" "content-digest");created=${NOW_S};nonce="b26";keyid="test-key-ed25519";tag="auth4agent"`,
      signature: expect.any(String),
    })
    const fields = Object.entries(headers).map(([name, value]) => ({ name, value: String(value) }))
    expect(await messageOf({ method, url, fields }, body, RFC_KEY)).toBe('accepted')
  })
})

it("verifyRequest accepts a signature of the library's own signer", async () => {
  const digest = contentDigest(BODY)
  const message = {
    kind: 'request',
    method: 'PUT',
    targetUri: URL_SIGNED,
    fields: [{ name: 'content-digest', value: digest }],
  } as const
  const { kid: keyid } = keyOf(RFC_KEY)
  const key = await crypto.subtle.importKey('jwk', RFC_KEY.export({ format: 'jwk' }), 'Ed25519', false, ['sign'])
  const signer = {
    algorithm: 'ed25519',
    sign: async (data: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.sign('Ed25519', key, data)),
  }
  const parameters = { created: NOW_S, nonce: 'n', keyid, tag: 'auth4agent', alg: 'ed25519' }
  const components = ['content-digest', '@target-uri', '@method']
  const { signature, signatureInput } = await createSignature(message, { components, parameters, signer })
  const fields = [
    ...message.fields,
    { name: 'signature', value: signature },
    { name: 'signature-input', value: signatureInput },
  ]
  expect(await messageOf({ method: 'PUT', url: URL_SIGNED, fields }, BODY, RFC_KEY)).toBe('accepted')
})

function isGenuine({ jwk }: OperatorKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return crypto.subtle
    .importKey('jwk', { ...jwk }, 'Ed25519', false, ['verify'])
    .then((key) => crypto.subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(data)))
}
