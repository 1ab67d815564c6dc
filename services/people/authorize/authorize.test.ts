import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { authorizationRequests, redirectOf } from '../../../test/support/people/authorization-requests.ts'
import { CLIENT, REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import type { SignedIn } from './authorize.ts'
import { openCode } from './code.ts'

const world = useUserWorld()
const ask = authorizationRequests(world)
const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)
const nowS = () => Math.floor(Date.now() / 1_000)

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
    ['when the user has not consented', { redirect_uri: 'http://127.0.0.1/callback' }, {}, ''],
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
