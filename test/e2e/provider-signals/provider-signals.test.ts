import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { userSubject } from '../../../services/people/users/domain/user-subject.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { createNeighbourhood } from '../../support/federation/neighbourhood.ts'
import { CLIENT, type OpenIdProvider, startOpenIdProvider } from '../../support/open-id-provider.ts'
import { EVENTS } from '../../support/people/signal-world.ts'
import { newPerson, type Person } from '../operator-team/person.ts'

const DOMAIN = 'acme.example.com'
const IDP = 'idp.example.net'

const neighbourhood = new AsyncDisposableStack()
let deployment: Deployment
let admin: Person
let outside: OpenIdProvider
let db: pg.Client
let provider: Readonly<Record<string, unknown>>
beforeAll(async () => {
  const around = await createNeighbourhood(neighbourhood)
  const { env, dns } = around
  ;[deployment, admin, outside] = await Promise.all([
    startDeployment({ env, dns, ownProcess: true }),
    newPerson(),
    startOpenIdProvider([], 'client_secret_basic', { host: IDP, ...around.certify(IDP) }),
  ])
  db = new pg.Client({ connectionString: deployment.databaseUrl })
  await db.connect()
})
afterAll(async () => {
  await db?.end()
  await Promise.all([deployment?.stop(), outside?.close(), admin?.[Symbol.asyncDispose]()])
  await neighbourhood.disposeAsync()
})

/** Sends a body to a place of the provider, as registered at it. */
async function post(place: unknown, type: string, body: string) {
  const url = String(place).replace(ISSUER, deployment.server.baseUrl)
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
  const text = await answer.text()
  return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) }
}

const put = (more = '') =>
  admin.json(
    `provider put work ${outside.issuer} --client-id ${CLIENT.id} --client-secret ~/secret.txt --all-users${more}`,
  )
const idOfOperator = async () => {
  const { rows } = await db.query<{ id: string }>('SELECT operator_id::text AS id FROM identity_providers')
  return rows[0]?.id ?? ''
}

/** Makes a person a user, as a sign-in would. */
async function insertUser(sub: string): Promise<string> {
  const operatorId = await idOfOperator()
  const subject = userSubject({ operatorId, issuer: outside.issuer, tenant: '', claim: 'sub', sub })
  await db.query(
    `INSERT INTO users (operator_id, subject, provider_id, provider_edge, sub)
     SELECT operator_id, $1, id, edge_id, $2 FROM identity_providers`,
    [subject, sub],
  )
  return subject
}

async function statusOf(subject: string): Promise<unknown> {
  const { rows } = await db.query('SELECT status::text, epoch FROM users WHERE subject = $1', [subject])
  return rows[0]
}

const set = (sub: string, event: keyof typeof EVENTS) => ({
  iss: outside.issuer,
  aud: CLIENT.id,
  jti: randomUUID(),
  iat: Math.floor(Date.now() / 1_000),
  sub_id: { format: 'iss_sub', iss: outside.issuer, sub },
  events: { [EVENTS[event]]: {} },
})

describe('an identity provider that sends security events', () => {
  it('1. the operator names it, and learns where it sends them', async () => {
    await admin.json(`init --operator --domain ${DOMAIN} --server ${deployment.server.baseUrl} --issuer ${ISSUER}`)
    await admin.json('operator register')
    const { txt_record_name, txt_record_value } = await admin.json('operator show-proof')
    deployment.dns.setTxt(String(txt_record_name), [String(txt_record_value)])
    await admin.json('operator confirm')
    await writeFile(admin.file('secret.txt'), CLIENT.secret, { mode: 0o600 })
    expect(await put()).not.toHaveProperty('signals_uri')
    provider = await put(' --signals ssf')
    const uri = `${ISSUER}/people/providers/${String(provider['id'])}/events`
    const bound = 'No token is valid once the server has answered 202 to the event of the provider'
    expect(provider).toMatchObject({ signals: 'ssf', signals_uri: uri, signals_bound: bound })
  })

  it('2. an event disables a user, and `user list` says so', async () => {
    const subject = await insertUser('alice')
    const token = await outside.sign(set('alice', 'disabled'), 'secevent+jwt')
    expect(await post(provider['signals_uri'], 'application/secevent+jwt', token)).toEqual({ status: 202 })
    expect(await statusOf(subject)).toEqual({ status: 'disabled', epoch: 2 })
    expect(await admin.json('user list')).toMatchObject({ users: [{ subject, status: 'disabled' }] })
    const records = await admin.json<unknown[]>('audit list --action user.signal')
    const by = { actor: `provider:${String(provider['id'])}`, subject, reason: 'account-disabled; provider work' }
    expect(records).toMatchObject([by])
  })

  it('3. an ID token of the provider ends nobody, and the error is that of RFC 8935', async () => {
    const subject = await insertUser('bob')
    const token = await outside.sign(set('bob', 'disabled'), 'JWT')
    const { status, json } = await post(provider['signals_uri'], 'application/secevent+jwt', token)
    expect({ status, json }).toMatchObject({ status: 400, json: { err: 'invalid_request' } })
    expect(json.description).toContain('must have the typ secevent+jwt')
    expect(await statusOf(subject)).toEqual({ status: 'active', epoch: 1 })
  })
})
