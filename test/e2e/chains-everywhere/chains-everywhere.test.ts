import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { append, endOfLog, keysOfAgent, rotation } from '../../support/hand-signed-events.ts'
import { type NatsCluster, startNats } from '../../support/nats-server.ts'
import { type AgentParty, clientAssertion, newKeys, thumbprintOf } from '../../support/parties.ts'
import { headerOf, keysAdmin } from '../../support/signing-keys.ts'
import { activeAgent, expectStatus, type OperatorParty, provenOperator } from '../../support/story.ts'
import { askAll, unanimously, type Witnesses, witnessesOf } from '../revocation-everywhere/witnesses.ts'
import { exchange } from './exchanged.ts'
import { handOn, lastId, rootOf, SHOP, statementOf, upTo } from './hand-on.ts'

const DEMANDS = { delegation: 'accept', audience: [SHOP], scope: 'read', proof_checked: true }

/** A chain of three agents: the first and the last of one operator, the middle one of another. */
interface Stage {
  readonly deployment: Deployment
  readonly acme: OperatorParty
  readonly partner: OperatorParty
  readonly witnesses: Witnesses
}

interface Holders {
  readonly first: AgentParty
  readonly middle: AgentParty
  readonly last: AgentParty
}

async function setStage(natsUrl: string | undefined): Promise<Stage> {
  const env = { NATS_URL: natsUrl, AUTH4AGENT_REVOCATION_LEASE: '1s' }
  const deployment = await startDeployment({ instances: 2, env })
  const { client, dns } = deployment
  const acme = await provenOperator(client, dns, 'agents.example.com')
  const partner = await provenOperator(client, dns, 'partner.example.com')
  const policy = { audiences: [], delegate_to: [partner.domain] }
  expectStatus(200, await client.signed('PUT', `/v1/operators/${acme.id}/policy`, policy, acme))
  return { deployment, acme, partner, witnesses: await witnessesOf(deployment, DEMANDS) }
}

async function newHolders({ deployment: { client }, acme, partner }: Stage): Promise<Holders> {
  const [first, last] = [await activeAgent(client, acme), await activeAgent(client, acme)]
  const path = `/v1/operators/${acme.id}/agents/${first.did}`
  expectStatus(200, await client.signed('PATCH', path, { max_delegation_depth: 4 }, acme))
  return { first, middle: await activeAgent(client, partner), last }
}

/** A call that ends a grant of a chain, and the verdict after it. */
interface Ending {
  readonly name: string
  readonly verdict: string
  /** The place of the grant that ends. The chain above it stays valid. */
  readonly place: number
  end(stage: Stage, chain: string, holders: Holders): Promise<unknown>
}

const suspend = async ({ deployment }: Stage, operator: OperatorParty, { did }: AgentParty) =>
  expectStatus(200, await deployment.client.suspendAgent(operator.id, did, operator))
const revoke = async ({ deployment }: Stage, body: object, by: OperatorParty) =>
  expectStatus(200, await deployment.client.signed('POST', '/v1/revoke/token', { ...body, reason: 'leaked' }, by))

async function revokeAs({ deployment }: Stage, agent: AgentParty, token: string): Promise<void> {
  const form = new URLSearchParams({ token, ...clientAssertion(agent, ISSUER) })
  const url = new URL('/oauth/revoke', deployment.server.baseUrl)
  const { status } = await fetch(url, { method: 'POST', body: form })
  expect(status).toBe(200)
}

const ENDINGS: readonly Ending[] = [
  {
    name: "the first operator revokes the middle agent's grant",
    verdict: 'false TOKEN_REVOKED',
    place: 1,
    end: (stage, chain) => revoke(stage, { token: upTo(chain, 1) }, stage.acme),
  },
  {
    name: 'the middle operator revokes the last grant by its id',
    verdict: 'false TOKEN_REVOKED',
    place: 2,
    end: (stage, chain) => revoke(stage, { jti: lastId(chain) }, stage.partner),
  },
  {
    name: 'the middle agent revokes its own grant at /oauth/revoke',
    verdict: 'false TOKEN_REVOKED',
    place: 1,
    end: (stage, chain, { middle }) => revokeAs(stage, middle, upTo(chain, 1)),
  },
  {
    name: 'the middle agent is suspended',
    verdict: 'false AGENT_TOKENS_ENDED',
    place: 1,
    end: (stage, _, { middle }) => suspend(stage, stage.partner, middle),
  },
  {
    name: 'the middle agent rotates its key',
    verdict: 'false AGENT_TOKENS_ENDED',
    place: 1,
    async end({ deployment: { client } }, _, { middle }) {
      const [next, afterNext] = [newKeys(), newKeys()]
      const end = await endOfLog(client, middle.did)
      await append(client, middle.did, rotation(end, keysOfAgent(middle), next, thumbprintOf(afterNext)))
    },
  },
  {
    name: 'the middle operator ends all tokens of its agents',
    verdict: 'false OPERATOR_TOKENS_ENDED',
    place: 1,
    async end({ deployment: { client }, partner }) {
      expectStatus(200, await client.signed('POST', `/v1/operators/${partner.id}/end-all-tokens`, null, partner))
    },
  },
  {
    name: 'the first agent may delegate less',
    verdict: 'false AGENT_TOKENS_ENDED',
    place: 0,
    async end({ deployment: { client }, acme }, _, { first }) {
      const path = `/v1/operators/${acme.id}/agents/${first.did}`
      expectStatus(200, await client.signed('PATCH', path, { max_delegation_depth: 3 }, acme))
    },
  },
]

/**
 * Ends a grant, and asks every process right after the call about the chain, about the token that was exchanged for
 * it, and about a grant that is made from it later. The chain is not exchanged again.
 */
async function expectRefusedEverywhere(stage: Stage, ending: Ending): Promise<void> {
  const { verdict, place } = ending
  const { deployment } = stage
  const { all } = stage.witnesses
  const holders = await newHolders(stage)
  const { first, middle, last } = holders
  const above = await rootOf(deployment, first)
  const statements = await Promise.all([middle, last, first].map((agent) => statementOf(deployment, agent)))
  const [ofMiddle = '', ofLast = '', ofFirst = ''] = statements
  const chain = await handOn(await handOn(above, first, middle, ofMiddle), middle, last, ofLast)
  const { token: exchanged } = await exchange(deployment, chain, last)
  for (const text of [chain, exchanged]) expect(await askAll(all, text)).toEqual(unanimously(all, 'true'))
  await ending.end(stage, chain, holders)
  for (const text of [chain, exchanged]) expect(await askAll(all, text)).toEqual(unanimously(all, verdict))
  const lateChild = await handOn(chain, last, first, ofFirst)
  expect(await askAll(all, lateChild)).toEqual(unanimously(all, verdict))
  expect(await exchange(deployment, chain, last)).toMatchObject({ status: 400, reason: verdict.split(' ')[1] })
  if (place > 0) expect(await askAll(all, upTo(chain, place - 1))).toEqual(unanimously(all, 'true'))
}

/** Revokes a delegated token itself. The chain for which it was exchanged stays valid. */
const TOKEN_ENDINGS: readonly [
  string,
  (stage: Stage, token: string, jti: string, holders: Holders) => Promise<unknown>,
][] = [
  ['the middle operator revokes it with the token', (stage, token) => revoke(stage, { token }, stage.partner)],
  ["the principal's operator revokes it by its id", (stage, _, jti) => revoke(stage, { jti }, stage.acme)],
  ['the middle agent revokes it at /oauth/revoke', (stage, token, _, { middle }) => revokeAs(stage, middle, token)],
]

describe.each(['with NATS', 'without NATS'])('%s, when the call returns that ended a grant', (bus) => {
  let nats: NatsCluster | undefined
  let stage: Stage | undefined

  beforeAll(async () => {
    nats = bus === 'with NATS' ? await startNats() : undefined
    stage = await setStage(nats?.url)
  })
  afterAll(async () => {
    stage?.witnesses.close()
    await stage?.deployment.stop()
    await nats?.remove()
  })

  it.each(ENDINGS.map((ending) => [ending.name, ending] as const))(
    'every process refuses the chain and its late children: %s',
    async (_, ending) => {
      if (stage === undefined) throw new Error('The deployment did not start')
      await expectRefusedEverywhere(stage, ending)
    },
  )

  it.each(TOKEN_ENDINGS)('every process refuses a delegated token, but not its chain: %s', async (_, end) => {
    if (stage === undefined) throw new Error('The deployment did not start')
    const { deployment, witnesses } = stage
    const holders = await newHolders(stage)
    const { first, middle } = holders
    const root = await rootOf(deployment, first)
    const chain = await handOn(root, first, middle, await statementOf(deployment, middle))
    const { token } = await exchange(deployment, chain, middle)
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(await askAll(witnesses.all, token)).toEqual(unanimously(witnesses.all, 'true'))
    await end(stage, token, jti, holders)
    expect(await askAll(witnesses.all, token)).toEqual(unanimously(witnesses.all, 'false TOKEN_REVOKED'))
    expect(await askAll(witnesses.all, chain)).toEqual(unanimously(witnesses.all, 'true'))
  })

  // The last test, because the deployment has no key for grants afterwards.
  it('every process refuses all chains: the key that signed the root and the statements is compromised', async () => {
    if (stage === undefined) throw new Error('The deployment did not start')
    const { deployment, witnesses } = stage
    const { first, middle } = await newHolders(stage)
    const root = await rootOf(deployment, first)
    const chain = await handOn(root, first, middle, await statementOf(deployment, middle))
    const { token: exchanged } = await exchange(deployment, chain, middle)
    for (const text of [chain, exchanged])
      expect(await askAll(witnesses.all, text)).toEqual(unanimously(witnesses.all, 'true'))
    const keys = keysAdmin(deployment.client, deployment.admin)
    expectStatus(200, await keys.compromise(headerOf(root).kid, true))
    for (const text of [root, chain, exchanged])
      expect(await askAll(witnesses.all, text)).toEqual(unanimously(witnesses.all, 'false UNKNOWN_KEY'))
  })
})
