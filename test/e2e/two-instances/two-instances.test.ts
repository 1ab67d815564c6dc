import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type Json, outcomeOf } from '../../support/protocol-client.ts'
import { runSql, siblingUrl } from '../../support/sql.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedChallenge,
} from '../../support/story.ts'

const database = `empty_${randomUUID().replaceAll('-', '')}`
let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty

/** Starts three servers at the same time with an empty database. */
beforeAll(async () => {
  await runSql(inject('postgresUrl'), `CREATE DATABASE ${database}`)
  const databaseUrl = siblingUrl(inject('postgresUrl'), database)
  deployment = await startDeployment({ instances: 3, databaseUrl })
})
afterAll(async () => {
  await deployment?.stop()
  await runSql(inject('postgresUrl'), `DROP DATABASE ${database} WITH (FORCE)`)
})

it('1. each migration is applied once, and all three servers are ready', async () => {
  const applied = [...deployment.logs().matchAll(/"migration":"(\w+)","msg":"migration applied"/g)].map(
    ([, name]) => name,
  )
  expect(applied).toEqual((await readdir('prisma/migrations')).toSorted())
  for (const client of deployment.clients) expect(await client.get('/ready')).toMatchObject({ status: 200 })
})

it('2. all three servers share one signing key of each purpose and algorithm', async () => {
  const sets = deployment.clients.map((client) => client.get<{ keys: readonly Json[] }>('/.well-known/jwks.json'))
  const [first, ...others] = (await Promise.all(sets)).map((answer) => expectStatus(200, answer).keys)
  expect(first?.map(({ alg }) => alg)).toEqual(['EdDSA', 'Ed25519', 'ES256', 'RS256', 'EdDSA', 'Ed25519'])
  for (const keys of others) expect(keys).toEqual(first)
})

it('3. a challenge of one server is redeemed at the second, and its token is revoked at the third', async () => {
  const [one, two, three] = deployment.clients
  if (one === undefined || two === undefined || three === undefined) throw new Error('The test needs three servers')
  operator = await provenOperator(one, deployment.dns, 'agents.example.com')
  agent = await activeAgent(two, operator)
  const { token } = expectStatus(200, await two.token(await signedChallenge(one, agent)))
  expect(expectStatus(200, await three.verify(token))).toMatchObject({ valid: true })
  const keys = createRemoteJWKSet(new URL(`${deployment.servers[2]?.baseUrl}/.well-known/jwks.json`))
  expect((await jwtVerify(String(token), keys)).payload.sub).toBe(agent.did)
  expectStatus(200, await three.revokeToken(token))
  for (const client of deployment.clients)
    expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
})

it('4. only one of the three servers accepts an assertion that all three get', async () => {
  const path = `/v1/operators/${operator.id}/agents/${agent.did}/suspend`
  const assertion = operator.assert(`POST ${path}`)
  const answers = deployment.clients.map((client) => client.send('POST', path, 'null', assertion))
  const outcomes = (await Promise.all(answers)).map(outcomeOf)
  expect(outcomes.toSorted()).toEqual(['200 OK', '401 ASSERTION_USED', '401 ASSERTION_USED'])
})

it('5. a change made at one server takes effect at the others at once', async () => {
  const [one, two] = deployment.clients
  if (one === undefined || two === undefined) throw new Error('The test needs three servers')
  expectStatus(200, await one.reactivateAgent(operator.id, agent.did, operator))
  await issueToken(two, agent)
  expectStatus(200, await one.setScopes(operator.id, agent.did, ['write'], operator))
  expect(await two.token(await signedChallenge(two, agent))).toMatchObject({ body: { reason: 'SCOPE_NOT_ALLOWED' } })
  await issueToken(two, agent, { scope: 'write' })
})
