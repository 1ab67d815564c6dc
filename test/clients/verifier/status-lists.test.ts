import { VerificationError, type Verifier, type VerifierOptions } from '@auth4agent/verifier'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { expectStatus } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type Stage, setStage } from './stage.ts'

const LISTS = '/v1/status-lists/'

let stage: Stage
let early: string
beforeAll(async () => {
  stage = await setStage({ env: { AUTH4AGENT_STATUS_LIST_TTL: '10s' } })
  early = await stage.newToken()
  const { deployment, operator } = stage
  const audiences = [{ audience: 'api.agents.example.com', token_status: 'status_list' }]
  const path = `/v1/operators/${operator.id}/policy`
  expectStatus(200, await deployment.client.signed('PUT', path, { audiences }, operator))
})
afterAll(() => stage?.deployment.stop())

function newVerifier(options: Partial<VerifierOptions> = {}): Verifier {
  const verifier = stage.newVerifier({ revocations: 'status-list', ...options })
  onTestFinished(() => verifier.close())
  return verifier
}

async function outcome(verifier: Verifier, token: string): Promise<string> {
  try {
    await verifier.verify(token)
    return 'VALID'
  } catch (error) {
    if (error instanceof VerificationError) return error.reason
    throw error
  }
}

/** The server makes a list at most once a second, and a verifier may keep it. */
const untilRefused = (verifier: () => Verifier, token: string) =>
  until(
    () => outcome(verifier(), token),
    (reason) => reason !== 'VALID',
  )

it('1. a token of an audience that demands it is valid while its place in the list says so', async () => {
  const verifier = newVerifier()
  const tokens = [await stage.newToken(), await stage.newToken()]
  for (const token of tokens) expect(await outcome(verifier, token)).toBe('VALID')
  expect(stage.network.asked.filter((path) => path.startsWith(LISTS))).toHaveLength(1)
  expect(await outcome(verifier, early)).toBe('STATUS_MISSING')
})

it('2. a revoked token is refused by verifiers that fetch the list, and by one that has it within its ttl', async () => {
  const [before, token, other] = [newVerifier(), await stage.newToken(), await stage.newToken()]
  expect(await outcome(before, token)).toBe('VALID')
  expectStatus(200, await stage.deployment.client.revokeToken(token))
  expect(await untilRefused(newVerifier, token)).toBe('TOKEN_REVOKED')
  expect(await outcome(newVerifier(), other)).toBe('VALID')
  expect(await untilRefused(() => before, token)).toBe('TOKEN_REVOKED')
  expect(await outcome(before, other)).toBe('VALID')
})

it('3. without a list, no token is valid', async () => {
  stage.network.cut(LISTS)
  onTestFinished(() => stage.network.cut())
  expect(await outcome(newVerifier({ onProblem: () => undefined }), await stage.newToken())).toBe('REVOCATIONS_STALE')
})

// This must be the last test, because no agent gets a token after it.
it('4. all tokens of a revoked agent are refused', async () => {
  const token = await stage.newToken()
  const { deployment, operator, agent } = stage
  expectStatus(200, await deployment.client.revokeAgent(operator.id, agent.did, operator))
  expect(await untilRefused(newVerifier, token)).toBe('TOKEN_REVOKED')
})
