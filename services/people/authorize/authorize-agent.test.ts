import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { insertAgent } from '../../../test/support/authn-agents.ts'
import { insertUserOfAgent, type UserOfAgent } from '../../../test/support/people/agent-client.ts'
import { REDIRECT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { authorize } from './authorize.ts'
import { openCode } from './code.ts'

const world = useUserWorld()
const query = (text: string, values: unknown[]) => world().database.db.pool.query(text, values)

async function insert(): Promise<UserOfAgent> {
  const { database, user } = world()
  return insertUserOfAgent(database.db, await user('another'))
}

/** Sends an authorization request of the agent with changed parameters. */
function ask({ agent, audience, operator, subject }: UserOfAgent, changes: Record<string, string> = {}) {
  const text = new URLSearchParams({
    response_type: 'code',
    client_id: agent.did,
    redirect_uri: REDIRECT,
    resource: audience,
    code_challenge: sha256Text('v', 'base64url'),
    code_challenge_method: 'S256',
    ...changes,
  })
  const deps = {
    db: world().database.db,
    issuer: ISSUER,
    now: Date.now,
    challengeKeys: world().instances[0].keys.challengeKeys,
    findDocument: async () => {
      throw new Error('Agents have no document')
    },
  }
  const signedInAtS = Math.floor(Date.now() / 1_000)
  return authorize(deps, text.toString(), { operatorId: operator.id, subject, signedInAtS, authTimeS: undefined })
}

describe('an authorization request of an agent', () => {
  it('gives a code if the user has consented', async () => {
    const of = await insert()
    const answer = await ask(of)
    const url = new URL(answer.kind === 'redirect' ? answer.location : 'error:')
    expect(`${url.origin}${url.pathname}`).toBe(REDIRECT)
    expect(url.searchParams.get('iss')).toBe(ISSUER)
    const code = await openCode(world().instances[0].keys, url.searchParams.get('code') ?? '')
    expect(code).toMatchObject({ consentId: of.consentId, clientEdge: of.clientEdge, scopes: ['read', 'write'] })
  })

  it('is a question about its DID, without the name that its operator has given to it', async () => {
    const of = await insert()
    await query(`UPDATE agents SET label = 'internal' WHERE id = $1`, [of.agent.id])
    const question = { clientId: of.agent.did, clientName: '', isLoopback: false, audience: of.audience }
    expect(await ask(of, { prompt: 'consent' })).toMatchObject({ kind: 'consent', question })
  })

  it.each<readonly [name: string, change: string]>([
    [
      'the redirect URIs lead to another host, too',
      `UPDATE agents SET redirect_uris = redirect_uris || '{https://other.example/}'`,
    ],
    ['it has another operator', ''],
  ])('asks the user again if %s', async (_, change) => {
    const of = await insert()
    if (change !== '') await query(`${change} WHERE id = $1`, [of.agent.id])
    else await query(`UPDATE consents SET client_digest = 'that of another operator' WHERE id = $1`, [of.consentId])
    expect(await ask(of)).toMatchObject({ kind: 'consent' })
  })

  it.each<readonly [name: string, reason: string, change: string, of: 'agent' | 'vendor' | 'owner']>([
    ['without redirect URIs', 'CLIENT_NOT_ACCEPTED', `UPDATE agents SET redirect_uris = '{}' WHERE id = $1`, 'agent'],
    ['that is suspended', 'CLIENT_NOT_ACCEPTED', `UPDATE agents SET status = 'suspended' WHERE id = $1`, 'agent'],
    ['that is pending', 'CLIENT_NOT_ACCEPTED', `UPDATE agents SET status = 'pending' WHERE id = $1`, 'agent'],
    [
      'that has moved',
      'CLIENT_NOT_ACCEPTED',
      `UPDATE agents SET moved_to = 'did:agent:a.example:0' WHERE id = $1`,
      'agent',
    ],
    ['that is gone', 'CLIENT_NOT_ACCEPTED', 'DELETE FROM agents WHERE id = $1', 'agent'],
    [
      'of a suspended operator',
      'CLIENT_NOT_ACCEPTED',
      `UPDATE operators SET status = 'suspended', version = version + 1 WHERE id = $1`,
      'vendor',
    ],
    [
      'that the owner has blocked',
      'CLIENT_NOT_ALLOWED',
      `UPDATE clients SET status = 'blocked' WHERE operator_id = $1 AND client_id LIKE 'did:%'`,
      'owner',
    ],
    [
      'that the owner has not listed, although it admits every URL client',
      'CLIENT_NOT_ALLOWED',
      `WITH gone AS (DELETE FROM clients WHERE operator_id = $1)
       UPDATE operator_audiences SET users = jsonb_set(users, '{clients}', '"any"') WHERE operator_id = $1`,
      'owner',
    ],
  ])('is refused for one %s: %s', async (_, reason, change, whose) => {
    const of = await insert()
    expect(await refusalOf(ask(of))).toBeUndefined()
    await query(change, [of[whose].id])
    expect(await refusalOf(ask(of))).toBe(reason)
  })

  it.each([
    'https://client.example/callback/',
    'https://client.example.evil.example/callback',
    'http://127.0.0.1:8080/callback',
    '',
  ])('is refused for the redirect URI "%s"', async (redirect_uri) => {
    expect(await refusalOf(ask(await insert(), { redirect_uri }))).toBe('REDIRECT_NOT_REGISTERED')
  })

  it('is refused for the redirect URI of another agent', async () => {
    const of = await insert()
    const other = await insertAgent(world().database.db, of.vendor)
    const theirs = 'https://theirs.example/callback'
    await query('UPDATE agents SET redirect_uris = $2 WHERE id = $1', [other.id, [theirs]])
    expect(await refusalOf(ask(of, { redirect_uri: theirs }))).toBe('REDIRECT_NOT_REGISTERED')
  })
})
