import { expect, it } from 'vitest'
import { metadataOf } from '../../../test/support/people.ts'
import { judgeMetadata } from './judge-metadata.ts'

const ISSUER = 'https://idp.example'
const good = metadataOf(ISSUER)
const judge = (metadata: object, authMethod: 'client_secret_basic' | 'client_secret_post' = 'client_secret_basic') =>
  judgeMetadata(Object.fromEntries(Object.entries(metadata)), { issuer: ISSUER, authMethod }, (text) =>
    text.startsWith('https://'),
  )

it.each([
  ['only what is required', good],
  ['all lists', { ...good, response_modes_supported: ['query'], code_challenge_methods_supported: ['plain', 'S256'] }],
  ['the usual way to send a secret', { ...good, token_endpoint_auth_methods_supported: ['client_secret_basic'] }],
])('judgeMetadata accepts metadata with %s', (_, metadata) => {
  expect(judge(metadata)).toBeUndefined()
})

it.each([
  ['another issuer', { ...good, issuer: 'https://idp.example.com' }, 'same issuer'],
  ['an issuer with a slash at its end', { ...good, issuer: `${ISSUER}/` }, 'same issuer'],
  ['a template as the issuer', { ...good, issuer: 'https://idp.example/{tenantid}' }, 'same issuer'],
  ['no issuer', { ...good, issuer: undefined }, 'same issuer'],
  ['no authorization endpoint', { ...good, authorization_endpoint: undefined }, 'authorization_endpoint'],
  ['a token endpoint that may not be asked', { ...good, token_endpoint: 'http://10.0.0.1/token' }, 'token_endpoint'],
  ['a number as the address of its keys', { ...good, jwks_uri: 1 }, 'jwks_uri'],
  ['no code flow', { ...good, response_types_supported: ['id_token'] }, 'response type code'],
  ['a text in place of a list', { ...good, response_types_supported: 'code' }, 'response type code'],
  ['no answers in the query', { ...good, response_modes_supported: ['form_post'] }, 'response mode query'],
  ['only plain PKCE', { ...good, code_challenge_methods_supported: ['plain'] }, 'S256'],
  [
    'no way to send the secret',
    { ...good, token_endpoint_auth_methods_supported: ['private_key_jwt'] },
    'client_secret_basic',
  ],
])('judgeMetadata refuses metadata with %s', (_, metadata, why) => {
  expect(judge(metadata)).toContain(why)
})

it('judgeMetadata refuses client_secret_post at a provider that lists no methods', () => {
  expect(judge(good, 'client_secret_post')).toContain('client_secret_post')
})
