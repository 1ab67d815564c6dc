import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, provenOperator, signedChallenge } from '../../support/story.ts'

/** The option that sets the clock of a Node process 45 seconds back. */
const BEHIND = `--import=data:text/javascript,${encodeURIComponent(
  'const now = Date.now; Date.now = () => now() - 45_000',
)}`

let deployment: Deployment
let slowClient: ProtocolClient
let agent: AgentParty

/**
 * Starts two processes. The clock of one is 45 seconds behind, which its clock skew allows. Challenges and tokens are
 * valid for 30 s.
 */
beforeAll(async () => {
  deployment = await startDeployment({ env: { AUTH4AGENT_CHALLENGE_TTL: '30s', AUTH4AGENT_CLOCK_SKEW: '0s' } })
  slowClient = (await deployment.add({ NODE_OPTIONS: BEHIND, AUTH4AGENT_CLOCK_SKEW: '60s' })).client
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(() => deployment?.stop())

it.each(['the process whose clock is right', 'the process that created it, whose clock is behind'])(
  'an expired challenge gets 410 from %s',
  async (name) => {
    const client = name.includes('right') ? deployment.client : slowClient
    const expired = await signedChallenge(slowClient, agent)
    expect(await client.token(expired)).toMatchObject({
      status: 410,
      body: { reason: 'CHALLENGE_EXPIRED', error: 'challenge expired' },
    })
  },
)

it('an expired token is not valid, and a revocation of this token still gets 200', async () => {
  const fresh = await signedChallenge(deployment.client, agent, { ttl: '30s' })
  const { token, jti } = expectStatus(200, await slowClient.token(fresh))
  expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({
    valid: false,
    revoked: false,
    reason: 'TOKEN_EXPIRED',
    claims: null,
  })
  expect(expectStatus(200, await deployment.client.revokeToken(token))).toMatchObject({ jti })
})

it('a new token with the same lifetime is valid at the process whose clock is right', async () => {
  const { token } = await issueToken(deployment.client, agent, { ttl: '30s' })
  expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({ valid: true })
})
