import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, type Reached, startDeployment } from '../../support/deployment.ts'
import { opensslKey } from '../../support/openssl.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type Answer, outcomeOf, type ProtocolClient } from '../../support/protocol-client.ts'
import {
  ALGORITHMS,
  type Algorithm,
  activeOf,
  audienceOf,
  chooseAlgorithms,
  headerOf,
  isOf,
  type KeyList,
  type KeysAdmin,
  keysAdmin,
  publishedKids,
  QUICK_KEYS,
  rotated,
} from '../../support/signing-keys.ts'
import { runSql } from '../../support/sql.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedChallenge,
} from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'
import { type FetchedKeySet, fetchKeySet } from '../key-rotation/caching-verifier.ts'
import { missedInKeySets } from '../key-rotation/key-tape.ts'
import { checksAt } from '../revocation-everywhere/checks.ts'
import { askAll, unanimously, type Witnesses, witnessesOf } from '../revocation-everywhere/witnesses.ts'
import { issueUntilStopped } from './race.ts'
import { adminCalls, overGrpc, overRest } from './refused-callers.ts'

const started = new AsyncDisposableStack()
let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty
/** Each process that issues and verifies tokens, with a client that reaches only this process. */
let ways: readonly Reached[]
let witnesses: Witnesses
let admin: KeysAdmin

beforeAll(async () => {
  // A new key becomes ready only after three seconds. During that time, no key is ready, as some steps need.
  deployment = await startDeployment({ instances: 2, env: { ...QUICK_KEYS, AUTH4AGENT_CLOCK_SKEW: '1s' } })
  started.defer(() => deployment.stop())
  const { client, dns } = deployment
  admin = keysAdmin(client, deployment.admin)
  operator = await provenOperator(client, dns, 'agents.example.com')
  agent = await activeAgent(client, operator)
  await chooseAlgorithms(client, operator)
  ways = await deployment.verifiers()
  witnesses = await witnessesOf({ ...deployment, verifiers: async () => ways })
  started.defer(async () => witnesses.close())
  // Waits until each process has a lease and answers from memory.
  await until(
    () => Promise.all(ways.map(({ authn }) => checksAt(authn))),
    (checks) => checks.every(({ holdsLease }) => holdsLease),
  )
})
afterAll(() => started.disposeAsync())

it('key methods refuse every caller except the administrator, over REST and gRPC', async () => {
  const before = await admin.list()
  const { kid = '' } = activeOf(before, 'EdDSA') ?? {}
  const stubs = stubsOf(deployment.server.grpcAddress)
  const outcomes: string[] = []
  for (const call of adminCalls(kid, opensslKey('ed25519'))) {
    for (const by of [operator, undefined]) {
      outcomes.push(`${call.name} ${await overRest(deployment.client, call, by)}`)
      outcomes.push(`${call.name} ${await overGrpc(stubs, call, by)}`)
    }
  }
  stubs.close()
  const refusals = [
    '403 PERMISSION_DENIED',
    'PERMISSION_DENIED PERMISSION_DENIED',
    '401 UNAUTHENTICATED',
    'UNAUTHENTICATED UNAUTHENTICATED',
  ]
  const names = ['ListSigningKeys', 'RotateSigningKeys', 'MarkKeyCompromised', 'ImportSigningKey']
  expect(outcomes).toEqual(names.flatMap((name) => refusals.map((refusal) => `${name} ${refusal}`)))
  expect(statesOf(await admin.list())).toEqual(statesOf(before))
})

it.each(ALGORITHMS)(
  'when the %s key is marked compromised, every verifier refuses its tokens once the call returns',
  async (alg) => {
    await until(
      () => admin.list(),
      ({ keys }) =>
        keys.some((key) => isOf({ purpose: 'access_token', alg }, key) && Date.parse(key.ready_at ?? '') <= Date.now()),
    )
    const tokens = await Promise.all(clients().map((client) => newToken(client, alg)))
    const kid = kidOf(tokens[0])
    const race = issueUntilStopped(clients(), (client) => requestToken(client, alg))
    await race.untilMore()
    for (const token of tokens) expect(await askAll(witnesses.all, token)).toEqual(unanimously(witnesses.all, 'true'))

    const answer = await until(() => admin.compromise(kid), isDecided)

    for (const token of tokens) await expectEverywhere(token, 'false UNKNOWN_KEY')
    const { active_kid: successor, ...marked } = expectStatus(200, answer)
    expect(await Promise.all(clients().map(publishedKids))).not.toContainEqual(expect.arrayContaining([kid]))
    const next = await newToken(clients().at(-1), alg)
    expect(kidOf(next)).toBe(successor)
    await expectEverywhere(next, 'true')
    expect(expectStatus(200, await admin.compromise(kid))).toEqual({ ...marked, active_kid: '' })

    await race.untilMore()
    const { issued, refused } = await race.stop()
    // A process that already knew of the compromise had no key to sign with, so it answered 503.
    expect(refused.filter((outcome) => outcome !== '503 UNAVAILABLE')).toEqual([])
    const signedBy = Map.groupBy(issued, kidOf)
    expect([...signedBy.keys()].toSorted()).toEqual([kid, String(successor)].toSorted())
    for (const token of signedBy.get(kid) ?? []) await expectEverywhere(token, 'false UNKNOWN_KEY')
    for (const token of signedBy.get(String(successor)) ?? []) await expectEverywhere(token, 'true')
  },
)

it('MarkKeyCompromised is refused and changes nothing when no other key is ready', async () => {
  // Each compromise makes the next ready key active, until none is left.
  const refused = await until(
    async () => admin.compromise(activeOf(await admin.list(), 'EdDSA')?.kid ?? ''),
    ({ status }) => status !== 200,
  )
  expect(outcomeOf(refused)).toBe('409 KEY_NOT_READY')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  await expectEverywhere(await newToken(deployment.client, 'EdDSA'), 'true')
})

it('MarkKeyCompromised with force leaves no key to sign with until a new key is ready', async () => {
  // Another key may be ready again before every process is asked, because the schedule has made it earlier.
  const { token, body, answers } = await until(
    async () => {
      const { kid = '' } = activeOf(await admin.list(), 'EdDSA') ?? {}
      const signed = await newToken(deployment.client, 'EdDSA')
      const challenge = await signedChallenge(deployment.client, agent)
      const compromised = expectStatus(200, await admin.compromise(kid, true))
      expect(compromised).toMatchObject({ kid, active_kid: expect.any(String) })
      const answered = []
      for (const client of clients()) answered.push(await client.token(challenge))
      for (const { status, body: given } of answered)
        if (status === 200) expect(kidOf(String(given['token']))).not.toBe(kid)
      return { token: signed, body: challenge, answers: answered }
    },
    (attempt) => attempt.answers.every((answer) => outcomeOf(answer) === '503 UNAVAILABLE'),
  )

  for (const { headers } of answers) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  await expectEverywhere(token, 'false UNKNOWN_KEY')
  await expectEverywhere(await newToken(deployment.client, 'ES256'), 'true')

  const copies: FetchedKeySet[] = []
  const redeemed = await until(
    async () => {
      copies.push(...(await Promise.all(clients().map(fetchKeySet))))
      return deployment.client.token(body)
    },
    ({ status }) => status !== 503,
  )
  const answeredAt = performance.now()
  const late = String(expectStatus(200, redeemed).token)
  expect(missedInKeySets([{ ...headerOf(late), answeredAt }], copies)).toEqual([])
  await expectEverywhere(late, 'true')
  expect(outcomeOf(await deployment.client.token(body))).toBe('409 CHALLENGE_USED')
})

it('RevokeToken accepts a token whose key is retired, and refuses one whose key is compromised', async () => {
  const token = await newToken(deployment.client, 'ES256')
  const { retiring } = rotated(await until(() => admin.rotate({ alg: 'ES256' }), isDecided))
  expect(retiring.map(({ kid }) => kid)).toEqual([kidOf(token)])
  await expectEverywhere(token, 'true')
  // Retires the key, as the schedule does when all tokens of the key have expired.
  await runSql(
    deployment.databaseUrl,
    `UPDATE jwks_keys SET state = 'retired', retired_at = now(), wrapped_key = NULL, kek_id = NULL WHERE kid = '${kidOf(token)}'`,
  )
  await until(
    () => askAll(witnesses.all, token),
    (verdicts) => Object.values(verdicts).every((verdict) => verdict === 'false UNKNOWN_KEY'),
  )
  expectStatus(200, await deployment.client.revokeToken(token))

  const other = await newToken(deployment.client, 'RS256')
  expectStatus(200, await admin.compromise(kidOf(other), true))
  for (const client of clients()) {
    // A process that does not verify tokens learns of the compromise when it next reads the keys.
    await until(
      async () => outcomeOf(await client.revokeToken(other)),
      (outcome) => outcome === '400 TOKEN_NOT_OURS',
    )
  }
})

/**
 * Lists the keys that have signed, with their states. Prepared keys are left out, because the schedule may add some.
 */
function statesOf({ keys }: KeyList): readonly string[] {
  return keys.filter(({ state }) => state !== 'prepared').map(({ kid, state }) => `${kid} ${state}`)
}

/** Tells whether the call was decided while another key was ready. */
function isDecided({ body }: Answer<{ readonly reason?: unknown }>): boolean {
  return body.reason !== 'KEY_NOT_READY'
}

function clients(): readonly ProtocolClient[] {
  return ways.map(({ client }) => client)
}

async function requestToken(client: ProtocolClient, alg: Algorithm): Promise<Answer> {
  return client.token(await signedChallenge(client, agent, { audience: audienceOf(alg, operator) }))
}

async function newToken(client: ProtocolClient | undefined, alg: Algorithm): Promise<string> {
  if (client === undefined) throw new RangeError('No server was started')
  return String((await issueToken(client, agent, { audience: audienceOf(alg, operator) })).token)
}

function kidOf(token: string | undefined): string {
  return headerOf(token ?? '').kid
}

async function expectEverywhere(token: string, verdict: string): Promise<void> {
  expect(await askAll(witnesses.all, token)).toEqual(unanimously(witnesses.all, verdict))
}
