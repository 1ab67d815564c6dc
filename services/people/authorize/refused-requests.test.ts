import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { authorizationRequests, redirectOf } from '../../../test/support/people/authorization-requests.ts'
import { REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const world = useUserWorld()
const ask = authorizationRequests(world)
const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)

describe('an authorization request that goes back to the client:', () => {
  it.each<readonly [name: string, error: string, changes: object]>([
    ['no response type', 'invalid_request', { response_type: undefined }],
    ['another response type', 'unsupported_response_type', { response_type: 'token' }],
    ['another response mode', 'invalid_request', { response_mode: 'fragment' }],
    ['no code challenge', 'invalid_request', { code_challenge: undefined }],
    ['a short code challenge', 'invalid_request', { code_challenge: 'a' }],
    ['a plain code challenge', 'invalid_request', { code_challenge_method: 'plain' }],
    ['no code challenge method', 'invalid_request', { code_challenge_method: undefined }],
    ['a scope that the owner does not offer', 'invalid_scope', { scope: 'read admin' }],
    ['a malformed scope', 'invalid_scope', { scope: 'read  write' }],
    ['an unknown prompt', 'invalid_request', { prompt: 'create' }],
    ['prompt none and another', 'invalid_request', { prompt: 'none login' }],
    ['a malformed max_age', 'invalid_request', { max_age: '-1' }],
    ['a malformed dpop_jkt', 'invalid_request', { dpop_jkt: 'x' }],
    ['a request object', 'request_not_supported', { request: 'e30.e30.' }],
    ['the URI of a request object', 'request_uri_not_supported', { request_uri: 'https://client.example/r' }],
  ])('%s', async (_, error, changes) => {
    const user = await world().user()
    const state = { state: 's&t=1', iss: ISSUER, to: REDIRECT }
    expect(await redirectOf(ask(user, changes))).toEqual({ ...state, error, error_description: expect.any(String) })
    // Nobody here trusts the client yet, so the page shows the error.
    await query(`UPDATE operator_audiences SET users = jsonb_set(users, '{clients}', '"any"') WHERE audience = $1`, [
      user.audience,
    ])
    await query('DELETE FROM clients WHERE operator_id = $1', [user.owner.id])
    await query('DELETE FROM consents WHERE id = $1', [user.consentId])
    expect(await refusalOf(ask(user, changes))).toBe('INVALID_ARGUMENT')
  })
})

describe('an authorization request that stays on the page:', () => {
  const REDIRECTS = [
    'https://client.example/callback/',
    'https://client.example/Callback',
    'https://client.example:8443/callback',
    'https://client.example/callback?x=1',
    'https://user@client.example/callback',
    'https://client.example.evil.example/callback',
    'http://client.example/callback',
    'http://localhost.evil.example/callback',
    'http://127.0.0.1:80000/callback',
    'http://127.0.0.2:8080/callback',
    'http://localhost:8080/callback',
    'http://127.0.0.1:8080/other',
    'javascript:alert(1)',
    '',
  ]
  type Case = readonly [name: string, reason: string, changes: object, end: string]
  const CASES: readonly Case[] = [
    ...REDIRECTS.map((uri): Case => [`the redirect URI ${uri}`, 'REDIRECT_NOT_REGISTERED', { redirect_uri: uri }, '']),
    ['a parameter twice', 'INVALID_ARGUMENT', { state: ['a', 'b'] }, ''],
    ['two resources', 'INVALID_ARGUMENT', { resource: ['https://a.example/', 'https://b.example/'] }, ''],
    ['8 KiB and more', 'INVALID_ARGUMENT', { x: 'x'.repeat(8_192) }, ''],
    ['no resource', 'INVALID_AUDIENCE', { resource: undefined }, ''],
    ['a resource without users', 'INVALID_AUDIENCE', { resource: 'https://nobody.example/mcp' }, ''],
    ['no client', 'CLIENT_NOT_ACCEPTED', { client_id: undefined }, ''],
    ['a client without a document', 'CLIENT_NOT_ACCEPTED', { client_id: 'abc' }, ''],
    ['a client with a NUL', 'CLIENT_NOT_ACCEPTED', { client_id: 'https://client.example/\0' }, ''],
    ['a resource with a NUL', 'INVALID_AUDIENCE', { resource: 'https://mcp.example/\0' }, ''],
    [
      'a client that the owner has not listed',
      'CLIENT_NOT_ALLOWED',
      { client_id: 'https://other.example/client.json' },
      '',
    ],
    ['a client that the owner has blocked', 'CLIENT_NOT_ALLOWED', {}, `UPDATE clients SET status = 'blocked'`],
    ['an owner that lets no users come', 'INVALID_AUDIENCE', {}, 'UPDATE operator_audiences SET users = NULL'],
    ['an owner that is suspended', 'INVALID_AUDIENCE', {}, `UPDATE operators SET status = 'suspended', version = 3`],
  ]
  it.each(CASES)('%s: %s', async (_, reason, changes, end) => {
    const user = await world().user('another')
    const column = end.includes('UPDATE operators') ? 'id' : 'operator_id'
    if (end !== '') await query(`${end} WHERE ${column} = $1`, [user.owner.id])
    expect(await refusalOf(ask(user, changes))).toBe(reason)
    expect(await refusalOf(ask(user, { ...changes, prompt: 'none' }, 'nobody'))).toBe(reason)
  })

  it('a client that wants no page, and that nobody has allowed anything yet: CONSENT_REQUIRED', async () => {
    const user = await world().user('another')
    await query(`UPDATE operator_audiences SET users = jsonb_set(users, '{clients}', '"any"') WHERE operator_id = $1`, [
      user.owner.id,
    ])
    await query('DELETE FROM clients WHERE operator_id = $1', [user.owner.id])
    await query('DELETE FROM consents WHERE subject = $1', [user.subject])
    const silent = { redirect_uri: REDIRECT, prompt: 'none' }
    expect(await refusalOf(ask(user, silent))).toBe('CONSENT_REQUIRED')
    expect(await refusalOf(ask(user, silent, 'nobody'))).toBe('CONSENT_REQUIRED')
    expect(await refusalOf(ask(user, { ...silent, scope: 'other' }))).toBe('INVALID_ARGUMENT')
  })

  it.each<readonly [name: string, end: string]>([
    ['that is disabled', `UPDATE users SET status = 'disabled', epoch = 2, version = 2 WHERE subject = $1`],
    ['whose operator does not let it go there', 'UPDATE operators SET users_to = $2, version = 3 WHERE id = $3'],
    [
      'whose domain the owner does not list',
      `UPDATE operator_audiences SET users =
      jsonb_set(users, '{domains}', '["other.example"]') WHERE audience = $4`,
    ],
    ['whose provider is gone', 'DELETE FROM identity_providers WHERE id = $5'],
  ])('a user %s', async (_, end) => {
    const user = await world().user('another')
    const { subject, operator, audience, providerId } = user
    const values: readonly [string, unknown][] = [
      ['$1', subject],
      ['$2', []],
      ['$3', operator.id],
      ['$4', audience],
      ['$5', providerId],
    ]
    const used = values.filter(([name]) => end.includes(name))
    const text = used.reduce((sum, [name], index) => sum.replaceAll(name, `$${index + 1}`), end)
    await query(
      text,
      used.map(([, value]) => value),
    )
    expect(await refusalOf(ask(user))).toBe('USER_NOT_ALLOWED')
  })
})
