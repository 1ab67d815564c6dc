import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { admitAny, REGISTERED } from '../../../test/support/people/registered.ts'
import { type ConsentedUser, REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { REGISTRATION_KEY } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import type { ClientDocuments } from '../clients/documents.ts'
import { sealClientId } from '../clients/domain/registered-client.ts'
import { withRegistered } from '../clients/registrations.ts'
import { authorize, type SignedIn } from './authorize.ts'

const world = useUserWorld()
const LOOPBACK = 'http://127.0.0.1:53124/callback'
const askNobody = async () => {
  throw new Error('A registered client has no document to ask for')
}
const DOCUMENTS: ClientDocuments = { find: askNobody, fetch: askNobody, known: () => undefined }
const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)

/** Sends an authorization request of a registered client. */
function ask(user: ConsentedUser, changes: object = {}, signedIn: Partial<SignedIn> = {}, openRegistration = true) {
  const deps = { openRegistration, registrationKey: REGISTRATION_KEY }
  const text = new URLSearchParams({
    response_type: 'code',
    client_id: REGISTERED,
    redirect_uri: REDIRECT,
    resource: user.audience,
    code_challenge: sha256Text('v', 'base64url'),
    code_challenge_method: 'S256',
    ...changes,
  })
  const { db } = world().database
  const { challengeKeys } = world().instances[0].keys
  const findDocument = (clientId: string) => withRegistered(DOCUMENTS, deps).find(clientId, 'source')
  const signedInAtS = Math.floor(Date.now() / 1_000)
  const who = { operatorId: user.operator.id, subject: user.subject, signedInAtS, authTimeS: undefined }
  return authorize({ db, issuer: ISSUER, now: Date.now, challengeKeys, findDocument }, text.toString(), {
    ...who,
    ...signedIn,
  })
}

/** Makes the consent of a user one for the registered client, as the user saw it. */
async function consentTo(user: ConsentedUser, clientId = REGISTERED): Promise<void> {
  const answer = await ask(user, { prompt: 'consent' })
  if (answer.kind !== 'consent') throw new Error('The user was not asked')
  const [digest] = JSON.parse(answer.shown)
  const values = [user.consentId, clientId, digest]
  await query('UPDATE consents SET client_id = $2, client_digest = $3 WHERE id = $1', values)
}

describe('a registered client', () => {
  it('is asked about where the owner admits any client, with its claimed name and where the browser goes', async () => {
    const user = await world().user('another')
    await admitAny(world(), user)
    expect(await ask(user)).toMatchObject({
      kind: 'consent',
      question: { clientId: REGISTERED, clientName: 'A registered client', redirectHost: 'https://client.example' },
    })
  })

  it('is not admitted by a list that does not have it, and is by one that has it', async () => {
    const user = await world().user('another')
    expect(await refusalOf(ask(user))).toBe('CLIENT_NOT_ALLOWED')
    await query('UPDATE clients SET client_id = $2 WHERE operator_id = $1', [user.owner.id, REGISTERED])
    expect(await ask(user)).toMatchObject({ kind: 'consent' })
  })

  it('is not admitted after the owner has blocked it, even where any client is', async () => {
    const user = await world().user('another')
    await query(`UPDATE clients SET client_id = $2, status = 'blocked' WHERE operator_id = $1`, [
      user.owner.id,
      REGISTERED,
    ])
    const any = `UPDATE operator_audiences SET users = jsonb_set(users, '{clients}', '"any"') WHERE operator_id = $1`
    await query(any, [user.owner.id])
    expect(await refusalOf(ask(user))).toBe('CLIENT_NOT_ALLOWED')
  })

  it.each([
    ['on the computer of the user', LOOPBACK, 'http://127.0.0.1'],
    ['on a host', REDIRECT, 'https://client.example'],
  ])('is asked about each time %s, because the user may have seen another place', async (_, redirect_uri, host) => {
    const user = await world().user()
    await admitAny(world(), user)
    await consentTo(user)
    expect(await ask(user, { redirect_uri })).toMatchObject({ kind: 'consent', question: { redirectHost: host } })
    expect(await refusalOf(ask(user, { redirect_uri, prompt: 'none' }))).toBe('CONSENT_REQUIRED')
  })

  it('gets errors at its redirect URI only if the owner has allowed it, and not for the consent of a user', async () => {
    const user = await world().user()
    await query('UPDATE clients SET client_id = $2 WHERE operator_id = $1', [user.owner.id, REGISTERED])
    expect(await ask(user, { response_type: 'token' })).toMatchObject({
      kind: 'redirect',
      location: expect.stringContaining(`${REDIRECT}?error=unsupported_response_type`),
    })
    await consentTo(user)
    await admitAny(world(), user)
    expect(await refusalOf(ask(user, { response_type: 'token' }))).toBe('INVALID_ARGUMENT')
  })

  it.each<readonly [name: string, changes: object, reason: string]>([
    ['a redirect URI on another host', { redirect_uri: 'https://evil.example/callback' }, 'REDIRECT_NOT_REGISTERED'],
    ['another path of its host', { redirect_uri: `${REDIRECT}/other` }, 'REDIRECT_NOT_REGISTERED'],
    ['another path of this computer', { redirect_uri: `${LOOPBACK}/other` }, 'REDIRECT_NOT_REGISTERED'],
    [
      'a client id with another MAC',
      { client_id: `reg_${'A'.repeat(43)}${REGISTERED.slice(47)}` },
      'CLIENT_NOT_ACCEPTED',
    ],
    ['a client id that is too long', { client_id: `reg_${'A'.repeat(509)}` }, 'CLIENT_NOT_ACCEPTED'],
    ['a client id that has only the form', { client_id: `reg_${'A'.repeat(64)}` }, 'CLIENT_NOT_ACCEPTED'],
  ])('is refused with %s', async (_, changes, reason) => {
    const user = await world().user()
    await admitAny(world(), user)
    expect(await refusalOf(ask(user, changes))).toBe(reason)
  })

  it('begins nothing while registration is off, even with a consent', async () => {
    const user = await world().user()
    await admitAny(world(), user)
    await consentTo(user)
    expect(await refusalOf(ask(user, {}, {}, false))).toBe('CLIENT_NOT_ACCEPTED')
  })

  it('is another client with another redirect URI, so the consent is not for it', async () => {
    const user = await world().user()
    await admitAny(world(), user)
    await consentTo(user)
    const evil = 'https://evil.example/callback'
    const name = 'A registered client'
    const client_id = sealClientId(REGISTRATION_KEY, { name, redirectUris: [evil, REDIRECT] })
    expect(await ask(user, { client_id })).toMatchObject({ kind: 'consent' })
  })
})
