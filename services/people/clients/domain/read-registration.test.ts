import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../../test/support/reason-of.ts'
import { readRegistration } from './read-registration.ts'

const CALLBACK = 'https://client.example/callback'
const textOf = (more: object = {}) => JSON.stringify({ redirect_uris: [CALLBACK], client_name: 'Example', ...more })
const read = (metadata: object | string) =>
  readRegistration(Buffer.from(typeof metadata === 'string' ? metadata : textOf(metadata)))
const uris = (...redirect_uris: unknown[]) => ({ redirect_uris })

describe('readRegistration', () => {
  it.each<readonly [name: string, more: object, read: object]>([
    ['a name and a redirect URI', {}, { name: 'Example', redirectUris: [CALLBACK] }],
    ['no name', { client_name: undefined }, { name: '' }],
    ['an empty name', { client_name: '' }, { name: '' }],
    ['a name of 100 characters', { client_name: 'é'.repeat(100) }, { name: 'é'.repeat(100) }],
    ['16 redirect URIs', uris(...Array.from({ length: 16 }, (_, n) => `${CALLBACK}/${n}`)), {}],
    ['this computer', uris('http://localhost:1/a', 'http://127.0.0.1/a', 'http://[::1]/a'), {}],
    ['the authentication none', { token_endpoint_auth_method: 'none' }, {}],
    ['the grant types that there are', { grant_types: ['refresh_token', 'authorization_code'] }, {}],
    ['the grant type of codes alone', { grant_types: ['authorization_code'] }, {}],
    ['the response type code', { response_types: ['code'] }, {}],
    [
      'grant types and response types that it does not get',
      {
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code', 'token'],
      },
      {},
    ],
    [
      'members that decide nothing',
      { logo_uri: 'javascript:x', scope: 'a', software_id: 'b', 'client_name#fr': 'c' },
      {},
    ],
  ])('accepts %s', (_, more, wanted) => {
    expect(read(more)).toMatchObject(wanted)
  })

  it.each<readonly [name: string, metadata: object | string]>([
    ['an empty body', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a member twice', textOf().replace('{', '{"client_name":"Other",')],
    ['bytes that are not UTF-8', '\ud800'],
    ['a client secret', { client_secret: 's' }],
    ['the end of a client secret', { client_secret_expires_at: 0 }],
    ['client_secret_basic', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['private_key_jwt', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['an authentication that is no text', { token_endpoint_auth_method: null }],
    ['keys', { jwks: { keys: [] } }],
    ['a place of keys', { jwks_uri: 'https://client.example/jwks' }],
    ['a software statement', { software_statement: 'e30.e30.AA' }],
    ['the implicit grant', { grant_types: ['implicit'] }],
    ['no grant type', { grant_types: [] }],
    ['the refresh grant alone', { grant_types: ['refresh_token'] }],
    ['grant types that are no list', { grant_types: 'authorization_code' }],
    ['the response type token', { response_types: ['token'] }],
    ['no response type', { response_types: [] }],
    ['a name of 101 characters', { client_name: 'a'.repeat(101) }],
    ['a name that turns the direction of writing', { client_name: 'a\u202eb' }],
    ['a name of two lines', { client_name: 'a\nb' }],
    ['a name that is no text', { client_name: 1 }],
  ])('refuses %s as metadata', (_, metadata) => {
    expect(reasonOf(() => read(metadata))).toBe('INVALID_CLIENT_METADATA')
  })

  it.each<readonly [name: string, more: object]>([
    ['no redirect URIs', { redirect_uris: undefined }],
    ['an empty list', uris()],
    ['a text in place of the list', { redirect_uris: CALLBACK }],
    ['17 of them', uris(...Array.from({ length: 17 }, (_, n) => `${CALLBACK}/${n}`))],
    ['one that is no text', uris(CALLBACK, 1)],
    ['http of another computer', uris('http://client.example/callback')],
    ['a private-use scheme', uris('com.example.app:/callback')],
    ['javascript', uris('javascript:alert(1)')],
    ['data', uris('data:text/html,x')],
    ['a user part', uris('https://user@client.example/callback')],
    ['a fragment', uris(`${CALLBACK}#a`)],
    ['a path that climbs', uris('https://client.example/a/../callback')],
    ['a host that only begins like this computer', uris('http://localhost.evil.example/callback')],
    ['another address of this computer', uris('http://127.0.0.2/callback')],
  ])('refuses %s as redirect URIs', (_, more) => {
    expect(reasonOf(() => read(more))).toBe('INVALID_REDIRECT_URI')
  })
})
