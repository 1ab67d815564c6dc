import { sign } from 'node:crypto'
import { parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { deriveGrant } from '@auth4agent/core/delegation/sign-grant'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import type { JwsSigner } from '@auth4agent/core/jose/signer-jwk'
import type { Verifier } from '@auth4agent/verifier'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ISSUER } from '../../support/deployment.ts'
import { details } from '../../support/grant-chains.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, signedBody } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { chainOutcome } from './chains.ts'
import { type Stage, setStage } from './stage.ts'

const URL_NOW = 'https://api.agents.example.com/orders'
const DETAILS = details({
  'https://api.agents.example.com#orders:read': { page: { constraint_type: 'range', max: 5, optional: true } },
})

let stage: Stage
let worker: AgentParty
beforeAll(async () => {
  stage = await setStage()
  const { deployment, operator, agent } = stage
  worker = await activeAgent(deployment.client, operator)
  const path = `/v1/operators/${operator.id}/agents/${agent.did}`
  expectStatus(200, await deployment.client.signed('PATCH', path, { max_delegation_depth: 2 }, operator))
})
afterAll(async () => {
  await stage?.deployment.stop()
})

function signerOf({ rawPublicKey, privateKey }: AgentParty): JwsSigner {
  return { publicKey: rawPublicKey, sign: async (message) => sign(null, message, privateKey) }
}

/** Gets a root grant for the agent from the server, and hands it on to the worker. */
async function newChain(): Promise<string> {
  const { deployment, agent } = stage
  const challenged = expectStatus(200, await deployment.client.post('/v1/challenge', { did: agent.did }))
  const { did, challenge, nonce, signature } = signedBody(agent, challenged)
  const request = { did, challenge, nonce, signature, authorization_details: JSON.stringify(DETAILS) }
  const { grant } = expectStatus(200, await deployment.client.post('/v1/grant', request))
  const { statement } = expectStatus(200, await deployment.client.get(`/v1/agent/${worker.did}/holder-statement`))
  const capabilities = parseCapabilities(DETAILS)
  if (!capabilities.ok) throw new RangeError(capabilities.rule)
  return deriveGrant(
    signerOf(agent),
    String(grant),
    { issuer: ISSUER, to: worker.rawPublicKey, statement: String(statement), capabilities: capabilities.value },
    Date.now() / 1_000,
  )
}

async function outcomeOf(verifier: Verifier, chain: string, args: object = { page: 5 }): Promise<string> {
  const content = { method: 'GET', url: URL_NOW, nowS: Date.now() / 1_000, accessToken: chain }
  const dpop = { proof: await signDpopProof(signerOf(worker), content), method: 'GET', url: URL_NOW }
  return chainOutcome(verifier, chain, {
    scope: 'orders:read',
    arguments: () => args,
    actors: ['agents.example.com'],
    dpop,
  })
}

async function newVerifier(isStale: boolean): Promise<Verifier> {
  const options = {
    revocations: { authorization: async () => 'Bearer nonsense' },
    onStale: 'ask',
    onProblem: () => {},
  } as const
  const verifier = stage.newVerifier(isStale ? options : {})
  onTestFinished(() => verifier.close())
  if (!isStale) await verifier.ready()
  return verifier
}

it.each([
  ['follows the log', false, 'TOKEN_REVOKED at 1'],
  ['asks the server', true, 'TOKEN_REVOKED'],
])(
  'a verifier that %s accepts a chain until its last grant is revoked, and a new chain after that',
  async (_name, isStale, revoked) => {
    const verifier = await newVerifier(isStale)
    const chain = await newChain()
    expect(await outcomeOf(verifier, chain)).toBe('VALID')
    expect(await outcomeOf(verifier, chain, { page: 6 })).toBe('ARGUMENT_REFUSED at 0')
    const { client } = stage.deployment
    expectStatus(200, await client.signed('POST', '/v1/revoke/token', { token: chain, reason: 'x' }, stage.operator))
    await until(
      () => outcomeOf(verifier, chain),
      (outcome) => outcome === revoked,
    )
    expect(await outcomeOf(verifier, await newChain())).toBe('VALID')
  },
)

it('a verifier refuses the chains through an agent that its operator suspends', async () => {
  const verifier = await newVerifier(false)
  const chain = await newChain()
  expect(await outcomeOf(verifier, chain)).toBe('VALID')
  const { deployment, operator, agent } = stage
  expectStatus(200, await deployment.client.suspendAgent(operator.id, agent.did, operator))
  await until(
    () => outcomeOf(verifier, chain),
    (outcome) => outcome === 'AGENT_TOKENS_ENDED at 0',
  )
})
