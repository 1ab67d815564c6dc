import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { type NatsCluster, startNats } from '../../support/nats-server.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { checksAt } from './checks.ts'
import { AUDIENCE, ENDINGS, type Ending, SCOPES, setCallers } from './endings.ts'
import { askAll, unanimously, type Witness, type Witnesses, witnessesOf } from './witnesses.ts'

/** How many rounds the stories run: every ending at least once. Set `REVOCATION_ROUNDS` for a long run. */
const ROUNDS = Number(process.env['REVOCATION_ROUNDS'] ?? (inject('mode') === 'inside' ? 12 : 25))
const LEASE_MS = 1_000
/** The time that a call may take in addition to waiting for a lease, on a slow machine. */
const GRACE_MS = 10_000

/** Two processes of each kind, and every way to ask them for a verdict. */
interface Stage {
  readonly deployment: Deployment
  readonly owner: OperatorParty
  readonly operator: OperatorParty
  readonly agent: AgentParty
  readonly witnesses: Witnesses
}

async function setStage(natsUrl: string | undefined): Promise<Stage> {
  const env = { NATS_URL: natsUrl, AUTH4AGENT_REVOCATION_LEASE: `${LEASE_MS}ms` }
  const deployment = await startDeployment({ instances: 2, env, ownProcess: true })
  const owner = await provenOperator(deployment.client, deployment.dns, 'owner.example.com')
  await setCallers({ deployment, owner }, ['agents.example.com'])
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  const agent = await activeAgent(deployment.client, operator, SCOPES)
  return { deployment, owner, operator, agent, witnesses: await witnessesOf(deployment) }
}

async function leave(stage: Stage | undefined): Promise<void> {
  stage?.witnesses.close()
  await stage?.deployment.stop()
}

async function newToken({ deployment, agent }: Stage): Promise<string> {
  return String((await issueToken(deployment.client, agent, { audience: AUDIENCE })).token)
}

/** Ends tokens in every way, and asks every process right after each call. */
async function expectRefusedEverywhere(stage: Stage): Promise<void> {
  const { all } = stage.witnesses
  for (let round = 0; round < ROUNDS; round += 1) {
    const ending = ENDINGS[round % ENDINGS.length] as Ending
    const token = await newToken(stage)
    expect(await askAll(all, token)).toEqual(unanimously(all, 'true'))
    await ending.end(stage, token)
    expect({ round, ...(await askAll(all, token)) }).toEqual({ round, ...unanimously(all, ending.verdict) })
    await ending.resume(stage)
  }
}

/**
 * Calls expectRefusedEverywhere. Expects that the verifiers answer almost everything from memory. They query the
 * database for an agent at epochs that they see for the first time (twice a round), and when a lease has run out on a
 * busy machine (rarely).
 */
async function expectAnswersFromMemory(stage: Stage): Promise<void> {
  const checks = () => Promise.all(stage.deployment.processes.authn.map(checksAt))
  const before = await until(checks, (found) => found.every(({ holdsLease }) => holdsLease))
  await expectRefusedEverywhere(stage)
  const grown = async () =>
    (await checks()).map(({ memory, database }, index) => ({
      memory: memory - (before[index]?.memory ?? 0),
      database: database - (before[index]?.database ?? 0),
    }))
  // Metrics may be a second old.
  const found = await until(grown, (each) => each.every(({ memory, database }) => memory + database >= 4 * ROUNDS))
  for (const { database } of found) expect(database).toBeLessThan(3 * ROUNDS)
}

describe('with NATS', () => {
  let nats: NatsCluster
  let stage: Stage

  beforeAll(async () => {
    nats = await startNats()
    stage = await setStage(nats.url)
  })
  afterAll(async () => {
    await leave(stage)
    await nats?.remove()
  })

  it(`every verifier refuses an ended token once the call returns, in ${ROUNDS} rounds`, () =>
    expectAnswersFromMemory(stage))

  it('every verifier refuses an ended token once the call returns, after NATS is killed', async () => {
    await Promise.all(nats.nodes.map((node) => node.kill()))
    await expectAnswersFromMemory(stage)
  })
})

describe('without NATS', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await setStage(undefined)
  })
  afterAll(() => leave(stage))

  it(`every verifier refuses an ended token once the call returns, in ${ROUNDS} rounds`, () =>
    expectAnswersFromMemory(stage))

  it('a frozen verifier delays a revocation by its lease, and never answers valid after it continues', async () => {
    const { deployment, witnesses } = stage
    const [alive = [], stopped = []] = witnesses.ofVerifiers
    const [, process] = deployment.processes.authn
    const tokens = await Promise.all(Array.from({ length: 4 }, () => newToken(stage)))
    for (const token of tokens) expect(await askAll(witnesses.all, token)).toEqual(unanimously(witnesses.all, 'true'))
    process?.freeze()
    const asked: Promise<Record<string, string>>[] = []
    for (const token of tokens) {
      const startedAt = performance.now()
      expectStatus(200, await deployment.client.revokeToken(token))
      expect(performance.now() - startedAt).toBeLessThan(LEASE_MS + GRACE_MS)
      expect(await askAll(alive, token)).toEqual(unanimously(alive, 'false TOKEN_REVOKED'))
      asked.push(askAll(stopped, token))
    }
    process?.thaw()
    for (const answers of await Promise.all(asked)) expectNoneValid(answers)
    for (const token of tokens) expectNoneValid(await askAll(stopped, token))
    for (const token of tokens) await expectRefusedInTheEnd(stopped, token)
  })
})

function expectNoneValid(answers: Record<string, string>): void {
  expect(Object.entries(answers).filter(([, verdict]) => verdict === 'true')).toEqual([])
}

async function expectRefusedInTheEnd(witnesses: readonly Witness[], token: string): Promise<void> {
  const refusals = unanimously(witnesses, 'false TOKEN_REVOKED')
  await until(
    () => askAll(witnesses, token),
    (answers) => JSON.stringify(answers) === JSON.stringify(refusals),
  )
}
