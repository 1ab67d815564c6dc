import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, type Reached, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type Answer, outcomeOf } from '../../support/protocol-client.ts'
import {
  audienceOf,
  chooseAlgorithms,
  connectTo,
  headerOf,
  type KeysAdmin,
  KINDS,
  keysAdmin,
  publishedKids,
  QUICK_KEYS,
  rotated,
} from '../../support/signing-keys.ts'
import { activeAgent, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'
import { refusedStart } from '../key-encryption-key/refused-start.ts'
import { DEMANDS } from '../key-rotation/caching-verifier.ts'
import { joseOwnKey, type OwnKey, opensslOwnKey } from './own-keys.ts'

/** The number of keys: one active key and two in reserve, for each purpose and algorithm. */
const ALL_KEYS = 3 * KINDS.length
const IMPORT = 'auth4agent.v1.KeysService/ImportSigningKey'

const started = new AsyncDisposableStack()
const keys = {
  first: await opensslOwnKey('EdDSA', 'ED25519'),
  second: await opensslOwnKey('EdDSA', 'ED25519'),
  overRest: await opensslOwnKey('ES256', 'EC', 'ec_paramgen_curve:P-256'),
  overGrpc: await joseOwnKey('RS256'),
}
const imported = [keys.overRest, keys.overGrpc]
/** The output of processes that refused to start. */
const refusals: string[] = []
let folder: string
let deployment: Deployment
/** A process that is started later, with another key in its file. */
let other: Reached
let operator: OperatorParty
let agent: AgentParty
let admin: KeysAdmin
let db: Client

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-keys-'))
  started.defer(() => rm(folder, { recursive: true }))
  const env = { ...QUICK_KEYS, AUTH4AGENT_LOG_LEVEL: 'debug', ...(await fileOf('first', keys.first.text)) }
  deployment = await startDeployment({ env })
  started.defer(() => deployment.stop())
  const { client, dns, databaseUrl } = deployment
  operator = await provenOperator(client, dns, 'agents.example.com')
  await chooseAlgorithms(client, operator)
  agent = await activeAgent(client, operator)
  admin = keysAdmin(client, deployment.admin)
  db = await connectTo(started, databaseUrl)
})
afterAll(() => started.disposeAsync())

it('1. the key in AUTH4AGENT_SIGNING_KEY_FILE signs the first token', async () => {
  const { token } = await issueToken(deployment.client, agent)
  expect(headerOf(String(token))).toMatchObject({ alg: 'EdDSA', kid: keys.first.kid })
  await expectToVerify(String(token), [deployment])
})

it('2. a second server with another key in its file warns that the key is not used, and no key changes', async () => {
  const before = await until(keyRows, (rows) => rows.length === ALL_KEYS)
  other = await deployment.add(await fileOf('second', keys.second.text))
  expect(keyWarningsOf(other.authn.logs())).toEqual([
    {
      kid: keys.second.kid,
      msg: expect.stringMatching(/^AUTH4AGENT_SIGNING_KEY_FILE was not used, .+; import the key/),
    },
  ])
  expect(await keyRows()).toEqual(before)
  const { token } = await issueToken(other.client, agent)
  expect(headerOf(String(token)).kid).toBe(keys.first.kid)
})

it('3. a server whose key file is cut off refuses to start with one sentence, and no key changes', async () => {
  const before = await keyRows()
  const half = keys.second.text.slice(0, 80)
  const { status, stdout, stderr } = await refusedStart({ ...deployment.env, ...(await fileOf('half', half)) })
  refusals.push(stdout, stderr)
  expect(status).toBe(1)
  expect(stderr).toMatch(/^AUTH4AGENT_SIGNING_KEY_FILE names [^\n]+\/half, which cannot be used: [^\n]+\n$/)
  expect(await keyRows()).toEqual(before)
})

it('4. keys imported over REST and gRPC are prepared, and both servers soon publish them', async () => {
  const rest = await admin.import(keys.overRest.text)
  expect(rest).toMatchObject({ status: 201, body: { key: { ...asListed(keys.overRest), held_by: 'database' } } })
  const grpc = await importOverGrpc(keys.overGrpc)
  expect(grpc).toMatchObject({ ok: true, message: { key: { ...asListed(keys.overGrpc), heldBy: 'database' } } })
  for (const { client } of [deployment, other]) {
    await until(
      () => publishedKids(client),
      (kids) => imported.every(({ kid }) => kids.includes(kid)),
    )
  }
})

it('5. an imported key signs after the administrator rotates to it, and its tokens verify everywhere', async () => {
  for (const { alg, kid } of imported) {
    const wishes = { audience: audienceOf(alg, operator) }
    const { token } = await issueToken(deployment.client, agent, wishes)
    expect(headerOf(String(token)).kid).not.toBe(kid)
    const answer = await until(
      () => admin.rotate({ kid }),
      ({ body }) => body.reason !== 'KEY_NOT_READY',
    )
    expect(rotated(answer)).toMatchObject({ active: [{ alg, kid }], retiring: [{ kid: headerOf(String(token)).kid }] })
    for (const { client } of [deployment, other]) {
      const fresh = String((await issueToken(client, agent, wishes)).token)
      expect(headerOf(fresh)).toMatchObject({ alg, kid })
      await expectToVerify(fresh, [deployment, other])
    }
  }
})

it('6. ImportSigningKey refuses a key that was already imported or was read from the file', async () => {
  for (const key of [keys.first, ...imported]) {
    expect(outcomeOf(await admin.import(key.text))).toBe('409 KEY_EXISTS')
    expect(await importOverGrpc(key)).toMatchObject({ ok: false, code: 'ALREADY_EXISTS', reason: 'KEY_EXISTS' })
  }
})

it('7. audit and logs contain no part of a private key, even when a caller sends the key in a wrong field', async () => {
  const { text } = keys.second
  await expectRefusals(misplaced(text))
  await expectRefusals([admin.rotate({ kid: text }), admin.compromise(encodeURIComponent(bodyOf(text)))])
  const { rows } = await db.query<{ record: string }>('SELECT a::text AS record FROM audit_logs a')
  const audit = rows.map(({ record }) => record).join('\n')
  expect(audit).toContain('key.import')
  // The server may write the log line after it answers.
  const logs = await until(
    async () => [deployment.logs(), other.server.logs(), other.authn.logs(), ...refusals].join('\n'),
    (lines) => ['ImportSigningKey', 'RotateSigningKeys', 'MarkKeyCompromised'].every((call) => lines.includes(call)),
  )
  for (const { secrets } of Object.values(keys)) {
    expect(secrets.length).toBeGreaterThan(5)
    expect(secrets.filter((secret) => audit.includes(secret) || logs.includes(secret))).toEqual([])
  }
})

/** Writes a key file, and returns the setting that names it. */
async function fileOf(name: string, text: string): Promise<{ readonly AUTH4AGENT_SIGNING_KEY_FILE: string }> {
  const path = join(folder, name)
  await writeFile(path, text, { mode: 0o600 })
  return { AUTH4AGENT_SIGNING_KEY_FILE: path }
}

/** Returns all columns of every signing key. */
async function keyRows(): Promise<readonly object[]> {
  return (await db.query('SELECT * FROM jwks_keys ORDER BY kid')).rows
}

/** Returns the warnings about keys. On a busy machine there are others, such as about a wait for the database. */
function keyWarningsOf(logs: string): readonly object[] {
  const lines: { level: number; kid?: string; msg: string }[] = logs
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  return lines.filter(({ level, kid }) => level >= 40 && kid !== undefined).map(({ kid, msg }) => ({ kid, msg }))
}

const asListed = ({ alg, kid }: OwnKey) => ({ purpose: 'access_token', alg, kid, state: 'prepared' })

async function importOverGrpc({ text }: OwnKey) {
  const stubs = stubsOf(deployment.server.grpcAddress)
  const request = { key: text, reason: 'it is ours' }
  return stubs.call(IMPORT, request, deployment.admin.assert(IMPORT)).finally(() => stubs.close())
}

/** Expects a token to verify at each server, and with jose and the JWKS of each server. */
async function expectToVerify(token: string, at: readonly Pick<Reached, 'client' | 'server'>[]): Promise<void> {
  for (const { client, server } of at) {
    expect(await client.verify(token)).toMatchObject({ status: 200, body: { valid: true } })
    const published = createRemoteJWKSet(new URL(`${server.baseUrl}/.well-known/jwks.json`))
    expect((await jwtVerify(token, published, DEMANDS)).payload.sub).toBe(agent.did)
  }
}

/** Sends a private key to the server in places where it does not belong. */
function misplaced(text: string): readonly Promise<Answer>[] {
  const { client } = deployment
  const path = '/v1/keys/import'
  return [
    admin.import('it is ours', text),
    client.signed('POST', path, { key: 'it is ours', reason: text }, deployment.admin),
    client.signed('POST', path, { key: `${text}${text}` }, deployment.admin),
    client.signed('POST', path, { [text]: text }, deployment.admin),
    client.send('POST', path, `{"key":"${text}"`, deployment.admin.assert(`POST ${path}`)),
    client.send('POST', `${path}?key=${encodeURIComponent(text)}`, 'null'),
    client.send('POST', path, JSON.stringify({ key: text }), `Bearer ${bodyOf(text)}`),
  ]
}

/** Returns the only base64 line of a short key in PEM. */
const bodyOf = (text: string) => text.split('\n')[1] ?? ''

async function expectRefusals(answers: readonly Promise<Answer<unknown>>[]): Promise<void> {
  for (const { status } of await Promise.all(answers)) {
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  }
}
