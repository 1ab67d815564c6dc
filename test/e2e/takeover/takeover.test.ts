import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { readSql } from '../../support/sql.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  publishedOperator,
  signedChallenge,
} from '../../support/story.ts'
import { until } from '../../support/until.ts'

let deployment: Deployment
let client: ProtocolClient

const DELAY_MS = 2_000
/** How many looks of the schedule a takeover needs, in addition to the confirmations. */
const LOOKS_NEEDED = 24

beforeAll(async () => {
  deployment = await startDeployment({ env: { AUTH4AGENT_TAKEOVER_DELAY: '2s' } })
  client = deployment.client
})
afterAll(() => deployment?.stop())

const recordOf = async ({ id }: OperatorParty) =>
  String(expectStatus(200, await client.instructions(id)).txt_record_value)
/** Returns how many looks without an answer have ended a wait. */
const unansweredLooks = () => {
  const lines = deployment.logs().split('\n')
  return lines.filter((line) => line.includes('for a takeover has ended') && line.includes('"unavailable"')).length
}
const isWaiting = async ({ id }: OperatorParty) => {
  const query = `SELECT 1 FROM operators WHERE id = '${id}' AND takeover_at IS NOT NULL`
  return (await readSql(deployment.databaseUrl, query)).length > 0
}
const statusOf = async ({ id }: OperatorParty) => expectStatus(200, await client.getOperator(id)).status

describe('a newcomer at a domain that has an active operator', () => {
  const domain = 'agents.example.com'
  const name = `_auth4agents.${domain}`
  let incumbent: OperatorParty
  let newcomer: OperatorParty
  let records: { readonly incumbent: string; readonly newcomer: string }
  let token: unknown
  let takeoverAt: number
  /** How many questions DNS had got before the last wait began. */
  let asked: number

  it("1. gets INCUMBENT_PRESENT while DNS shows only the owner's record", async () => {
    incumbent = await provenOperator(client, deployment.dns, domain)
    token = (await issueToken(client, await activeAgent(client, incumbent))).token
    newcomer = await publishedOperator(client, deployment.dns, domain)
    records = { incumbent: await recordOf(incumbent), newcomer: await recordOf(newcomer) }
    deployment.dns.setTxt(name, [records.incumbent])
    expect(expectStatus(200, await client.confirm(newcomer.id))).toMatchObject({
      verified: false,
      reason: 'INCUMBENT_PRESENT',
    })
  })

  it('2. contests the domain with a second record, which changes nothing', async () => {
    deployment.dns.setTxt(name, [records.incumbent, records.newcomer])
    for (const { id } of [newcomer, incumbent])
      expect(await client.confirm(id)).toMatchObject({ status: 409, body: { reason: 'DOMAIN_CONTESTED' } })
    expect([await statusOf(incumbent), await statusOf(newcomer)]).toEqual(['active', 'pending'])
    expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: true })
  })

  it("3. starts to wait when DNS shows only the newcomer's record, and the owner keeps its tokens", async () => {
    deployment.dns.setTxt(name, [records.newcomer])
    const waiting = expectStatus(200, await client.confirm(newcomer.id))
    expect(waiting).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING', takeover_at: expect.any(String) })
    expect(Date.parse(String(waiting.takeover_at))).toBeGreaterThan(Date.now())
    expect(await statusOf(incumbent)).toBe('active')
    expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: true })
  })

  it("4. starts to wait again after the server has seen the owner's record", async () => {
    deployment.dns.setTxt(name, [records.incumbent])
    expect(expectStatus(200, await client.confirm(incumbent.id))).toMatchObject({ verified: true })
    expect(await statusOf(newcomer)).toBe('pending')
    deployment.dns.setTxt(name, [records.newcomer])
    expect(expectStatus(200, await client.confirm(newcomer.id))).toMatchObject({ reason: 'TAKEOVER_PENDING' })
  })

  it('5. starts to wait again after a look of the schedule got no answer', async () => {
    const before = unansweredLooks()
    await until(
      async () => {
        // A look that saw the owner's record may end this wait late. Then another wait begins.
        deployment.dns.setTxt(name, [records.newcomer])
        expectStatus(200, await client.confirm(newcomer.id))
        deployment.dns.fail(name, 'SERVFAIL')
        await until(
          () => isWaiting(newcomer),
          (is) => !is,
        )
        return unansweredLooks()
      },
      (ended) => ended > before,
    )
    deployment.dns.setTxt(name, [records.newcomer])
    const began = Date.now()
    asked = deployment.dns.asked.length
    const waiting = expectStatus(200, await client.confirm(newcomer.id))
    takeoverAt = Date.parse(String(waiting.takeover_at))
    // Answers contain whole seconds.
    expect(takeoverAt).toBeGreaterThan(began + DELAY_MS - 1_000)
  })

  it('6. takes over the domain after the delay, and the former owner loses its tokens and its rights', async () => {
    let confirmations = 1
    await until(
      () => {
        confirmations += 1
        return client.confirm(newcomer.id)
      },
      ({ body }) => body.verified === true,
    )
    const looks = deployment.dns.asked.slice(asked).filter((question) => question === name).length - confirmations
    expect(looks).toBeGreaterThanOrEqual(LOOKS_NEEDED)
    expect(Date.now()).toBeGreaterThanOrEqual(takeoverAt)
    expect([await statusOf(incumbent), await statusOf(newcomer)]).toEqual(['superseded', 'active'])
    expect(expectStatus(200, await client.verify(token))).toMatchObject({
      valid: false,
      reason: 'OPERATOR_TOKENS_ENDED',
    })
    expect(await client.listAgents(incumbent.id, incumbent)).toMatchObject({
      status: 409,
      body: { reason: 'OPERATOR_NOT_ACTIVE' },
    })
    await issueToken(client, await activeAgent(client, newcomer))
  })
})

describe('a domain that its operator released', () => {
  it('goes to the newcomer without delay', async () => {
    const domain = 'released.example.com'
    const former = await provenOperator(client, deployment.dns, domain)
    const agent = await activeAgent(client, former)
    const { token } = await issueToken(client, agent)
    expectStatus(200, await client.signed('POST', `/v1/operators/${former.id}/release`, null, former))
    expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: false })
    const newcomer = await provenOperator(client, deployment.dns, domain)
    expect([await statusOf(former), await statusOf(newcomer)]).toEqual(['released', 'active'])
  })
})

describe('a suspended operator', () => {
  it('keeps its domain, so it cannot escape the suspension with another root key', async () => {
    const domain = 'suspended.example.com'
    const suspended = await provenOperator(client, deployment.dns, domain)
    const agent = await activeAgent(client, suspended)
    expectStatus(200, await client.signed('POST', `/v1/operators/${suspended.id}/suspend`, null, deployment.admin))
    const newcomer = await publishedOperator(client, deployment.dns, domain)
    expect(await client.confirm(newcomer.id)).toMatchObject({ status: 409, body: { reason: 'OPERATOR_SUSPENDED' } })
    expect(await client.token(await signedChallenge(client, agent))).toMatchObject({ status: 403 })
  })
})
