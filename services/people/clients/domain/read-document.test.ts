import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { documentOf } from '../../../../test/support/clients.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { DEVICE_CODE } from '../../device/domain/grant-type.ts'
import { readDocument } from './read-document.ts'

const CLIENT = 'https://client.example/oauth/client.json'
const publicJwkOf = (type: 'ed25519' | 'ed448') => {
  const { publicKey } = type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448')
  return publicKey.export({ format: 'jwk' })
}
const ed25519 = publicJwkOf('ed25519')
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsaOf = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
const byKey = (more: object) => ({ token_endpoint_auth_method: 'private_key_jwt', ...more })

const readText = (text: string, clientId = CLIENT) => readDocument(clientId, Buffer.from(text))
const read = (more: object = {}, clientId = CLIENT) => readText(JSON.stringify(documentOf(clientId, more)), clientId)
const refusal = (work: () => unknown): string => {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'CLIENT_NOT_ACCEPTED') return error.message
    throw error
  }
}

describe('readDocument', () => {
  it('returns what decides about a client', () => {
    expect(read()).toEqual({
      clientId: CLIENT,
      name: 'Example',
      redirectUris: ['http://127.0.0.1/callback', 'https://client.example/callback'],
      isOnDevices: false,
      authMethod: 'none',
      keys: undefined,
      digest: expect.stringMatching(/^[\w-]{43}$/),
    })
  })

  it('says that a client is on devices only if its grant types say so', () => {
    const found = [[DEVICE_CODE], [], ['device_code']].map((more) =>
      read({ grant_types: ['authorization_code', ...more] }),
    )
    expect(found.map(({ isOnDevices }) => isOnDevices)).toEqual([true, false, false])
  })

  it.each<[string, object]>([
    ['without a name', { client_name: undefined }],
    ['with an empty name', { client_name: '' }],
    ['with 16 redirect URIs', { redirect_uris: Array.from({ length: 16 }, (_, at) => `https://client.example/${at}`) }],
    ['with the method none', { token_endpoint_auth_method: 'none' }],
    ['with keys that it does not authenticate with', { jwks: 'anything' }],
    ['with the usual grant and response types', { grant_types: ['authorization_code'], response_types: ['code'] }],
    [
      'with more grant types',
      { grant_types: ['refresh_token', 'authorization_code'], response_types: ['code', 'none'] },
    ],
    ['with a logo at an address', { logo_uri: 'http://169.254.169.254/' }],
    ['with a logo that is a number', { logo_uri: 1 }],
    ['with unknown members', { contacts: [], 'client_name#ja': 'x', application_type: 'native', scope: 'a b' }],
    ['with a name of 100 characters of two units each', { client_name: '😀'.repeat(100) }],
    ['with a key in jwks', byKey({ jwks: { keys: [{ ...ed25519, use: 'sig', kid: 'a', alg: 'EdDSA' }] } })],
    [
      'with keys of three types',
      byKey({ jwks: { keys: [ed25519, p256.publicKey.export({ format: 'jwk' }), rsaOf(2048)] } }),
    ],
    ['with a jwks_uri on its origin', byKey({ jwks_uri: 'https://client.example/keys' })],
  ])('accepts a document %s', (_, more) => {
    expect(refusal(() => read(more))).toBe('accepted')
  })

  it.each<[string, object, string]>([
    ['another client_id', { client_id: 'https://client.example/other.json' }, 'its own URL'],
    ['a client_id with a slash at its end', { client_id: `${CLIENT}/` }, 'its own URL'],
    ['a client_id in another case', { client_id: CLIENT.toUpperCase() }, 'its own URL'],
    [
      'a client_id that is another spelling of the URL',
      { client_id: 'https://client.example/./oauth/client.json' },
      'its own URL',
    ],
    ['a list as client_id', { client_id: [CLIENT] }, 'its own URL'],
    ['no client_id', { client_id: undefined }, 'its own URL'],
    ['a client secret', { client_secret: 'x' }, 'client secret'],
    ['the end of a client secret', { client_secret_expires_at: 0 }, 'client secret'],
    [
      'the method client_secret_basic',
      { token_endpoint_auth_method: 'client_secret_basic' },
      'token_endpoint_auth_method',
    ],
    [
      'the method client_secret_post',
      { token_endpoint_auth_method: 'client_secret_post' },
      'token_endpoint_auth_method',
    ],
    ['the method client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }, 'token_endpoint_auth_method'],
    ['the method tls_client_auth', { token_endpoint_auth_method: 'tls_client_auth' }, 'token_endpoint_auth_method'],
    ['a method in upper case', { token_endpoint_auth_method: 'None' }, 'token_endpoint_auth_method'],
    ['null as its method', { token_endpoint_auth_method: null }, 'token_endpoint_auth_method'],
    ['a list as its method', { token_endpoint_auth_method: ['none'] }, 'token_endpoint_auth_method'],
    ['no redirect URIs', { redirect_uris: undefined }, '1 to 16 redirect_uris'],
    ['an empty list of redirect URIs', { redirect_uris: [] }, '1 to 16 redirect_uris'],
    ['a text as redirect URIs', { redirect_uris: 'https://client.example/cb' }, '1 to 16 redirect_uris'],
    [
      '17 redirect URIs',
      { redirect_uris: Array.from({ length: 17 }, (_, at) => `https://client.example/${at}`) },
      '1 to 16',
    ],
    [
      'one bad redirect URI among good ones',
      { redirect_uris: ['https://client.example/', 'http://evil.example/'] },
      'normal form',
    ],
    ['a redirect URI that is a number', { redirect_uris: [1] }, 'normal form'],
    ['no code flow', { grant_types: ['refresh_token'] }, 'authorization_code among its grant_types'],
    ['an empty list of grant types', { grant_types: [] }, 'authorization_code among its grant_types'],
    ['a text as grant types', { grant_types: 'authorization_code' }, 'authorization_code among its grant_types'],
    ['no response type code', { response_types: ['token'] }, 'code among its response_types'],
    ['a text as response types', { response_types: 'code' }, 'code among its response_types'],
    ['a name of 101 characters', { client_name: 'a'.repeat(101) }, 'client_name'],
    ['a name that is a number', { client_name: 1 }, 'client_name'],
    ['a name with a line end', { client_name: 'a\nb' }, 'client_name'],
    [
      'a name that changes the direction of writing',
      { client_name: `a${String.fromCodePoint(0x202e)}b` },
      'client_name',
    ],
    ['a name with an invisible character', { client_name: `a${String.fromCodePoint(0x200b)}b` }, 'client_name'],
    ['no keys for private_key_jwt', byKey({}), 'either jwks or jwks_uri'],
    [
      'both jwks and jwks_uri',
      byKey({ jwks: { keys: [ed25519] }, jwks_uri: 'https://client.example/k' }),
      'either jwks',
    ],
    ['a jwks_uri on another host', byKey({ jwks_uri: 'https://evil.example/keys' }), 'on the origin'],
    ['a jwks_uri on another port', byKey({ jwks_uri: 'https://client.example:8443/keys' }), 'on the origin'],
    ['a jwks_uri that is http', byKey({ jwks_uri: 'http://client.example/keys' }), 'on the origin'],
    ['a jwks_uri with dot segments', byKey({ jwks_uri: 'https://client.example/a/../keys' }), 'on the origin'],
    ['an empty jwks', byKey({ jwks: { keys: [] } }), '1 to 16 keys'],
    ['17 keys', byKey({ jwks: { keys: Array.from({ length: 17 }, () => ed25519) } }), '1 to 16 keys'],
    ['a symmetric key', byKey({ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }), 'only public keys'],
    [
      'a symmetric key beside a good one',
      byKey({ jwks: { keys: [ed25519, { kty: 'oct', k: 'c2Vj' }] } }),
      'only public keys',
    ],
    ['a private key', byKey({ jwks: { keys: [p256.privateKey.export({ format: 'jwk' })] } }), 'only public keys'],
    ['a key for encryption', byKey({ jwks: { keys: [{ ...ed25519, use: 'enc' }] } }), 'only public keys'],
    ['a key of another curve', byKey({ jwks: { keys: [publicJwkOf('ed448')] } }), 'only public keys'],
    ['an RSA key of 1024 bits', byKey({ jwks: { keys: [rsaOf(1024)] } }), 'only public keys'],
    ['a kid that is a number', byKey({ jwks: { keys: [{ ...ed25519, kid: 1 }] } }), 'only public keys'],
  ])('refuses a document with %s', (_, more, what) => {
    expect(refusal(() => read(more))).toContain(what)
  })

  it.each([
    ['a list', '[]', 'not-an-object'],
    ['half an object', '{"client_id":', 'syntax'],
    [
      'a member twice',
      `{"client_id":"${CLIENT}","redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}`,
      'duplicate-member',
    ],
    ['a member twice in two spellings', String.raw`{"client_id":"x","client\u005fid":"y"}`, 'duplicate-member'],
    ['a prototype', '{"__proto__":{}}', 'forbidden-member'],
    ['a byte order mark', `\u{feff}{}`, 'syntax'],
    ['lists in lists', `{"a":${'['.repeat(17)}${']'.repeat(17)}}`, 'depth'],
    ['nothing', '', 'syntax'],
  ])('refuses %s', (_, text, fault) => {
    expect(refusal(() => readText(text))).toContain(fault)
  })

  it('gives a famous name on a strange host no more than the host', () => {
    const { clientId, name } = read({ client_name: 'Claude' }, 'https://claude.evil.example/client.json')
    expect({ clientId, name }).toEqual({ clientId: 'https://claude.evil.example/client.json', name: 'Claude' })
    expect(
      refusal(() => read({ client_id: 'https://claude.ai/client.json' }, 'https://claude.evil.example/a')),
    ).toContain('URL')
  })

  it.each<[string, object, object]>([
    ['another redirect host', {}, { redirect_uris: ['https://evil.example/callback'] }],
    [
      'a further redirect host',
      {},
      { redirect_uris: ['http://127.0.0.1/callback', 'https://client.example/', 'https://b.example/'] },
    ],
    ['another way to authenticate', {}, byKey({ jwks: { keys: [ed25519] } })],
    ['another key', byKey({ jwks: { keys: [ed25519] } }), byKey({ jwks: { keys: [publicJwkOf('ed25519')] } })],
    [
      'another address of its keys',
      byKey({ jwks_uri: 'https://client.example/a' }),
      byKey({ jwks_uri: 'https://client.example/b' }),
    ],
  ])('has another digest with %s', (_, before, after) => {
    expect(read(before).digest).not.toBe(read(after).digest)
  })

  it('has the same digest with another name, path, order and port of this computer', () => {
    const redirect_uris = ['https://client.example/other', 'http://127.0.0.1:8080/x', 'http://127.0.0.1/y']
    expect(read({ client_name: 'Other', redirect_uris }).digest).toBe(read().digest)
  })
})
