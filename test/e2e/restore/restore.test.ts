import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { endShell } from '../../support/end-shell.ts'
import { type AgentParty, adminAsserter, newKeys } from '../../support/parties.ts'
import { outcomeOf, type TokenBody } from '../../support/protocol-client.ts'
import { activeOf, keysAdmin, QUICK_KEYS } from '../../support/signing-keys.ts'
import { readSql, runSql } from '../../support/sql.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedChallenge,
} from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { blocks } from '../readme-tour/tour.ts'
import { type ArchivedPostgres, startArchivedPostgres } from './archived-postgres.ts'

/** How much the database has beside the rows of the story. */
const MIB = Number(process.env['RESTORE_MIB'] ?? 16)
const MAIN = join(import.meta.dirname, '../../../clients/cli/src/main.ts')

const started = new AsyncDisposableStack()
const adminKeys = newKeys()
const KEK = randomBytes(32).toString('base64')
const tokens: Record<'before' | 'revoked' | 'after', string> = { before: '', revoked: '', after: '' }
let postgres: ArchivedPostgres
let dns: DnsServer
let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty
/** A proof for a challenge from before the point in time, which is redeemed after it. */
let proof: TokenBody
let target: string
let kid: string

beforeAll(async () => {
  postgres = await startArchivedPostgres(started)
  dns = await startDnsServer()
  started.defer(() => dns.close())
  deployment = await start()
  operator = await provenOperator(deployment.client, dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(async () => {
  await deployment?.stop()
  await started.disposeAsync()
})

it('1. the database is backed up by the commands of the page', async () => {
  const rows = MIB * 128
  await runSql(
    postgres.url,
    `CREATE TABLE filler AS SELECT string_agg(md5(random()::text), '') AS text
     FROM generate_series(1, ${rows} * 250) AS n GROUP BY n % ${rows}`,
  )
  const [begin, page] = [performance.now(), await blocks('docs/operations.md', 'sh backup')]
  await postgres.shell(page.join('\n'))
  process.stdout.write(`backup of ${await size()}: ${seconds(begin)} s\n`)
})

it('2. tokens are issued and ended, before and after the point in time', async () => {
  const { client } = deployment
  tokens.before = await issue()
  tokens.revoked = await issue()
  proof = await signedChallenge(client, agent)
  // The repository knows when a backup ended only to the second.
  const ended = wholeSeconds(await databaseClock())
  target = await until(databaseClock, (text) => wholeSeconds(text) > ended)
  expectStatus(200, await client.revokeToken(tokens.revoked))
  expectStatus(200, await client.token(proof))
  tokens.after = await issue()
  const admin = keysAdmin(client, adminAsserter(adminKeys, ISSUER))
  kid = activeOf(await admin.list(), 'ES256')?.kid ?? ''
  await until(
    () => admin.compromise(kid),
    ({ status }) => status === 200,
  )
  expectStatus(200, await client.suspendAgent(operator.id, agent.did, operator))
})

it('3. the database is restored by the commands of the page', async () => {
  await deployment.stop()
  await postgres.stop()
  const begin = performance.now()
  const [restore = ''] = await blocks('docs/operations.md', 'sh restore')
  const [given = ''] = /TARGET='.*'/.exec(restore) ?? []
  await postgres.shell(restore.replace(given, `TARGET='${target}'`))
  await postgres.start()
  await until(
    () => readSql(postgres.url, 'SELECT pg_is_in_recovery() AS waits'),
    ([row]) => row?.['waits'] === false,
  )
  process.stdout.write(`restore of ${await size()} to a point in time: ${seconds(begin)} s\n`)
  deployment = await start()
})

it('4. it has forgotten what came after the point in time', async () => {
  expect(await verdict('revoked')).toMatchObject({ valid: true })
  const { keys } = await keysAdmin(deployment.client, adminAsserter(adminKeys, ISSUER)).list()
  expect(keys.find((key) => key.kid === kid)?.state).toBe('active')
})

it('5. after the steps of the page, no token from before is valid, and no challenge can be used again', async () => {
  const { client, server } = deployment
  const [, ...steps] = await blocks('docs/operations.md', 'sh restore')
  const home = await mkdtemp(join(tmpdir(), 'a4a-restore-'))
  started.defer(() => rm(home, { recursive: true }))
  const key = join(home, 'admin.pem')
  await writeFile(key, adminKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  const program = join(home, 'auth4agent')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  await chmod(program, 0o755)
  const context = `auth4agent context set --server ${server.baseUrl} --issuer ${ISSUER} --administrator-key ${key}`
  const env = { HOME: home, PATH: `${home}:${process.env['PATH']}`, AUTH4AGENT_CONTEXT: 'admin', KID: kid }
  const paste = (text: string) => endShell(text, env)
  await paste(context)
  for (const step of steps) {
    await until(
      () => paste(step),
      ({ code, stderr }) => code === 0 || !stderr.includes('KEY_NOT_READY'),
    ).then(({ code, stderr }) => expect(code, stderr).toBe(0))
  }
  for (const name of ['before', 'revoked', 'after'] as const)
    expect(await verdict(name), name).toEqual({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
  expect(outcomeOf(await client.token(proof))).toBe('404 CHALLENGE_NOT_FOUND')
  const { keys } = await keysAdmin(client, adminAsserter(adminKeys, ISSUER)).list()
  expect(keys.find((one) => one.kid === kid)?.state).toBe('compromised')
})

it('6. agents sign in again', async () => {
  const token = await until(
    () => issue().catch(() => ''),
    (text) => text !== '',
  )
  expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({ valid: true })
})

const start = () =>
  startDeployment({
    databaseUrl: postgres.url,
    dns,
    ownProcess: true,
    env: { ...QUICK_KEYS, AUTH4AGENT_KEK: KEK, AUTH4AGENT_ADMIN_KEY: adminKeys.publicKey.toString('base64') },
  })
const issue = async () => String((await issueToken(deployment.client, agent)).token)
const wholeSeconds = (text: string) => text.slice(0, '2026-12-02 09:00:00'.length)
const seconds = (begin: number) => ((performance.now() - begin) / 1_000).toFixed(1)

async function verdict(name: keyof typeof tokens) {
  const { valid, reason } = expectStatus(200, await deployment.client.verify(tokens[name]))
  return { valid, reason }
}

async function databaseClock(): Promise<string> {
  const [row] = await readSql(postgres.url, 'SELECT clock_timestamp()::text AS now')
  return String(row?.['now'])
}

async function size(): Promise<string> {
  const [row] = await readSql(postgres.url, 'SELECT pg_size_pretty(pg_database_size(current_database())) AS size')
  return String(row?.['size'])
}
