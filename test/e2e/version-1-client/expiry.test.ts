import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, provenOperator, signedChallenge } from '../../support/story.ts'

/** Makes a Node process believe that it is 45 seconds earlier. */
const BEHIND = `--import=data:text/javascript,${encodeURIComponent(
  'const now = Date.now; Date.now = () => now() - 45_000',
)}`

let deployment: Deployment
let slowClient: ProtocolClient
let agent: AgentParty

/** One of two instances has a clock that is 45 seconds behind and may be, and everything lives for half a minute. */
beforeAll(async () => {
  deployment = await startDeployment({ env: { AUTH4AGENT_CHALLENGE_TTL: '30s', AUTH4AGENT_CLOCK_SKEW: '0s' } })
  slowClient = (await deployment.add({ NODE_OPTIONS: BEHIND, AUTH4AGENT_CLOCK_SKEW: '60s' })).client
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(() => deployment?.stop())

it.each(['the instance whose clock is right', 'the instance that made it and does not know'])(
  'an expired challenge is 410 at %s',
  async (name) => {
    const client = name.includes('right') ? deployment.client : slowClient
    const expired = await signedChallenge(slowClient, agent)
    expect(await client.token(expired)).toMatchObject({
      status: 410,
      body: { reason: 'CHALLENGE_EXPIRED', error: 'challenge expired' },
    })
  },
)

it('an expired token is not valid, and revoking it is 200', async () => {
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

it('a token of the same length is valid where the clock is right', async () => {
  const { token } = await issueToken(deployment.client, agent, { ttl: '30s' })
  expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({ valid: true })
})
