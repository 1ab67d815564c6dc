import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { CLIENT, type ConsentedUser, REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import type { ClientDocument } from '../clients/domain/read-document.ts'
import { authorize, type SignedIn } from './authorize.ts'
import { openCode } from './code.ts'

const world = useUserWorld()
const LOOPBACK = 'http://127.0.0.1/callback'
const DOCUMENT: ClientDocument = {
  clientId: CLIENT,
  name: 'A client',
  redirectUris: [REDIRECT, LOOPBACK],
  authMethod: 'none',
  keys: undefined,
  digest: '',
}
const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)
const nowS = () => Math.floor(Date.now() / 1_000)

/** Sends an authorization request with changed parameters; one that is undefined is left out. */
function ask(user: ConsentedUser, changes: object = {}, signedIn: Partial<SignedIn> | 'nobody' = {}, document = {}) {
  const usual = {
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: REDIRECT,
    resource: user.audience,
    code_challenge: sha256Text('v', 'base64url'),
    code_challenge_method: 'S256',
    state: 's&t=1',
  }
  const given = Object.entries({ ...usual, ...changes }).filter(([, value]) => value !== undefined)
  const text = new URLSearchParams()
  for (const [name, value] of given) for (const each of [value].flat()) text.append(name, each)
  const { keys } = world().instances[0]
  const deps = {
    db: world().database.db,
    issuer: ISSUER,
    now: Date.now,
    challengeKeys: keys.challengeKeys,
    findDocument: async () => ({ ...DOCUMENT, ...document }),
  }
  const { operator, subject } = user
  const who = { operatorId: operator.id, subject, signedInAtS: nowS(), authTimeS: undefined }
  return authorize(deps, text.toString(), signedIn === 'nobody' ? undefined : { ...who, ...signedIn })
}

/** Returns the parameters of a redirect to the client. */
async function redirectOf(step: ReturnType<typeof ask>) {
  const answer = await step
  if (answer.kind !== 'redirect') return answer.kind
  const url = new URL(answer.location)
  return { to: `${url.origin}${url.pathname}`, ...Object.fromEntries(url.searchParams) }
}

describe('an authorization request of a user that has consented', () => {
  it('gives a code at once, with the state and the issuer', async () => {
    const user = await world().user('another')
    const answer = await redirectOf(ask(user, { scope: 'read', dpop_jkt: sha256Text('k', 'base64url') }))
    expect(answer).toEqual({ to: REDIRECT, code: expect.any(String), state: 's&t=1', iss: ISSUER })
    const code = await openCode(world().instances[0].keys, Object(answer).code)
    const { clientEdge } = user
    expect(code).toMatchObject({
      consentId: user.consentId,
      clientEdge,
      scopes: ['read'],
      jkt: sha256Text('k', 'base64url'),
    })
    expect(code?.exp).toBeGreaterThan(nowS() + 50)
    expect(code?.vouchedAtS).toBeGreaterThan(nowS() - 10)
  })

  it.each<readonly [name: string, changes: object, document: object]>([
    ['the client asks for a scope more', { scope: 'read write' }, {}],
    ['the client wants the question', { scope: 'read', prompt: 'consent' }, {}],
    ['the client is a program on the computer', { scope: 'read', redirect_uri: 'http://127.0.0.1:53124/callback' }, {}],
    ['the client has another document', { scope: 'read' }, { digest: 'other' }],
  ])('is a question all the same if %s', async (_, changes, document) => {
    const user = await world().user()
    await query('UPDATE consents SET capabilities = $2, edge_id = gen_random_uuid() WHERE id = $1', [
      user.consentId,
      [`${user.audience}#read`],
    ])
    const answer = await ask(user, changes, {}, document)
    expect(answer).toMatchObject({
      kind: 'consent',
      question: { clientId: CLIENT, clientName: 'A client', audience: user.audience, connectionS: 8 * 3_600 },
    })
    expect(await redirectOf(ask(user, { scope: 'read' }))).toMatchObject({ code: expect.any(String) })
  })

  it('gives a code at once also on the computer of the user, to a client that must prove itself', async () => {
    const user = await world().user()
    const changes = { scope: 'read', redirect_uri: 'http://127.0.0.1:53124/callback' }
    const proves = { authMethod: 'private_key_jwt' }
    expect(await redirectOf(ask(user, changes, {}, proves))).toMatchObject({ code: expect.any(String) })
    const question = { isLoopback: false, redirectHost: 'http://127.0.0.1' }
    expect(await ask(user, { ...changes, prompt: 'consent' }, {}, proves)).toMatchObject({ question })
  })

  it('is a question that shows the words of the owner, and where the browser goes', async () => {
    const user = await world().user('another')
    const answer = await ask(user, { prompt: 'consent', redirect_uri: 'http://127.0.0.1:1/callback' })
    expect(answer).toMatchObject({
      question: {
        redirectHost: 'http://127.0.0.1',
        isLoopback: true,
        ownerDomain: user.owner.domain,
        scopes: [{ name: 'read', words: 'To read' }, { name: 'write' }],
      },
    })
  })

  it('needs a fresh sign-in before the question, and none for the code', async () => {
    const user = await world().user()
    const old = { signedInAtS: nowS() - 301 }
    expect(await ask(user, { prompt: 'consent' }, old)).toMatchObject({
      kind: 'sign-in',
      wanted: { prompt: '', query: expect.stringContaining('prompt=consent') },
    })
    expect(await redirectOf(ask(user, {}, old))).toMatchObject({ code: expect.any(String) })
  })
})

describe('the user must sign in', () => {
  it.each<readonly [name: string, changes: object, who: Partial<SignedIn> | 'nobody', wanted: object]>([
    [
      'when nobody has',
      { login_hint: 'alice@acme.example' },
      'nobody',
      { prompt: '', loginHint: 'alice@acme.example' },
    ],
    ['when the client says so', { prompt: 'login' }, {}, { prompt: 'login' }],
    ['when the client wants a choice', { prompt: 'select_account consent' }, {}, { prompt: 'select_account' }],
    ['when the provider does not say how long ago it was', { max_age: '60' }, {}, { maxAgeS: 60 }],
    ['when it must be now', { max_age: '0' }, { authTimeS: nowS() - 1 }, { maxAgeS: 0 }],
    ['when it must be in some way', { acr_values: 'mfa' }, { authTimeS: nowS() }, { acrValues: 'mfa' }],
    ['when it was too long ago', { max_age: '60' }, { authTimeS: nowS() - 100 }, { maxAgeS: 60 }],
  ])('%s', async (_, changes, who, wanted) => {
    const user = await world().user()
    const answer = await ask(user, changes, who)
    expect(answer).toMatchObject({ kind: 'sign-in', domains: [user.operator.domain], wanted })
    const back = answer.kind === 'sign-in' ? new URLSearchParams(answer.wanted.query) : new URLSearchParams()
    expect(back.get('prompt')).toBe(
      'prompt' in changes && changes.prompt === 'select_account consent' ? 'consent' : null,
    )
    expect(back.get('resource')).toBe(user.audience)
    // The sign-in fulfils these, so the request that follows it does not ask for another one.
    expect([back.get('max_age'), back.get('acr_values')]).toEqual([null, null])
  })

  it('not when the provider says that it was not long ago', async () => {
    const user = await world().user()
    const answer = await redirectOf(ask(user, { max_age: '60' }, { authTimeS: nowS() - 10 }))
    expect(answer).toMatchObject({ code: expect.any(String) })
  })
})

describe('a client that does not want the user to be asked learns nothing', () => {
  it.each<readonly [name: string, changes: object, who: Partial<SignedIn> | 'nobody', end: string]>([
    ['when nobody has signed in', {}, 'nobody', ''],
    ['when the user may not come', {}, {}, `UPDATE users SET status = 'disabled', epoch = 2, version = 2`],
    ['when the user has not consented', { redirect_uri: LOOPBACK }, {}, ''],
    ['when the sign-in is too old', { max_age: '1' }, {}, ''],
    ['when the sign-in must be in some way', { acr_values: 'mfa' }, {}, ''],
    ['when the scope is for a group of others', {}, {}, 'groups'],
  ])('%s', async (_, changes, who, end) => {
    const user = await world().user()
    if (end === 'groups') {
      const scope = `jsonb_set(jsonb_set(users, '{scopes,0,groups}', '["staff"]'), '{scopes,1,groups}', '[]')`
      await query(`UPDATE operator_audiences SET users = ${scope} WHERE audience = $1`, [user.audience])
      Object.assign(changes, { scope: 'read' })
    } else if (end !== '') await query(`${end} WHERE subject = $1`, [user.subject])
    const answer = await redirectOf(ask(user, { ...changes, prompt: 'none' }, who))
    expect(answer).toMatchObject({ error: 'login_required', error_description: 'The user must answer', iss: ISSUER })
  })
})

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

  it('asks for the default scopes, and never for offline_access', async () => {
    const user = await world().user()
    await query(
      `UPDATE operator_audiences SET users = jsonb_set(users, '{scopes,1,is_default}', 'false') WHERE audience = $1`,
      [user.audience],
    )
    for (const scope of [undefined, 'offline_access']) {
      const answer = await ask(user, { scope, prompt: 'consent' })
      expect(answer).toMatchObject({ question: { scopes: [{ name: 'read' }] } })
    }
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
