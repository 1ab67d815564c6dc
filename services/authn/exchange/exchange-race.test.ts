import { afterAll, beforeAll, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { clientAssertion, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { type ExchangeWorld, startExchangeWorld } from '../../../test/support/exchange-world.ts'
import { endOfDelegated, exchangeChain, provenCall, readDelegated } from '../../../test/support/exchanges.ts'
import { chainThrough, handOn, lastId, rootFor } from '../../../test/support/held-chains.ts'
import { asOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const ROUNDS = 8

let world: ExchangeWorld

beforeAll(async () => {
  world = await startExchangeWorld()
})
afterAll(() => world.database.drop())

type Party = readonly [TestHolder, TestHolder, TestHolder]

const freshParty = async (): Promise<Party> => {
  const [first, second, third] = world.operators
  const { db } = world.database
  return [await insertAgent(db, first), await insertAgent(db, second), await insertAgent(db, third)]
}
const callsOf = (place: number) => agentCalls(world.instance.identity, world.operators[place] ?? world.operators[0])

/** Signs a chain with the epochs that operators have now. */
async function chainNow(party: Party): Promise<string> {
  const { epoch } = await world.database.db.prisma.operator.findUniqueOrThrow({ where: { id: party[1].operatorId } })
  const to = party.map(({ did }) => did.split(':')[2] ?? '')
  const root = await rootFor(world.key, party[0], { to })
  const middle = await handOn(world.key, root, party[0], party[1], { epoch: [1, epoch] })
  return handOn(world.key, middle, party[1], party[2])
}

/** What ends a chain, and why the exchange and the token are refused afterwards. */
type End = readonly [
  name: string,
  exchange: string,
  token: string,
  end: (party: Party, chain: string) => Promise<unknown>,
]

const ENDS: readonly End[] = [
  ['the first agent is suspended', 'AGENT_TOKENS_ENDED', 'AGENT_TOKENS_ENDED', ([a]) => callsOf(0).suspend(a.did)],
  ['the middle agent is suspended', 'AGENT_TOKENS_ENDED', 'AGENT_TOKENS_ENDED', ([, b]) => callsOf(1).suspend(b.did)],
  ['the client is suspended', 'AGENT_NOT_ACTIVE', 'AGENT_TOKENS_ENDED', ([, , c]) => callsOf(2).suspend(c.did)],
  ['the middle agent is revoked', 'AGENT_TOKENS_ENDED', 'AGENT_TOKENS_ENDED', ([, b]) => callsOf(1).revoke(b.did)],
  [
    "the middle agent's operator is suspended",
    'OPERATOR_TOKENS_ENDED',
    'OPERATOR_TOKENS_ENDED',
    () =>
      world.database.db.prisma.operator.update({
        where: { id: world.operators[1].id },
        data: { epoch: { increment: 1 } },
      }),
  ],
  [
    'the last grant is revoked',
    'TOKEN_REVOKED',
    'TOKEN_REVOKED',
    (_, chain) => world.instance.revoke({ jti: lastId(chain) }, asOperator(world.operators[2])),
  ],
  [
    'the grant of the middle agent is revoked',
    'TOKEN_REVOKED',
    'TOKEN_REVOKED',
    (_, chain) =>
      world.instance.revoke({ jti: lastId(chain.slice(0, chain.lastIndexOf('~'))) }, asOperator(world.operators[1])),
  ],
]

it.each(ENDS)('no lasting token comes from a chain while %s, and none after the call has returned', async (...row) => {
  const [, refusedExchange, refusedToken, end] = row
  let overlapping = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const party = await freshParty()
    const [, , client] = party
    const chain = await chainNow(party)
    const attempts = Array.from({ length: 4 }, () => exchangeChain(world.instance, client, chain))
    // The first token is there, and the other exchanges are under way.
    await Promise.race(attempts)
    const refused = end(party, chain).then(() => refusalOf(exchangeChain(world.instance, client, chain)))
    const settled = await Promise.allSettled(attempts)
    expect(await refused).toBe(refusedExchange)
    const issued = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.accessToken] : []))
    overlapping += issued.length
    for (const token of issued) expect(await endOfDelegated(world.database.db, token)).toBe(refusedToken)
  }
  expect(overlapping).toBeGreaterThan(0)
})

it('a token from a statement that began before a suspension and ended after it has ended', async () => {
  const { database, instance } = world
  const party = await freshParty()
  const [principal, , client] = party
  const chain = await chainNow(party)
  const assertion = clientAssertion(client)
  const call = await provenCall(client)
  const blocker = await database.db.pool.connect()
  try {
    // Another open redemption of the same proof makes the statement wait after it has taken its snapshot.
    await blocker.query('BEGIN')
    await blocker.query('LOCK TABLE used_assertions IN EXCLUSIVE MODE')
    const exchanging = exchangeChain(instance, client, chain, assertion, call)
    await eventually(async () => {
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
      expect((await database.db.pool.query(waiting)).rowCount).toBe(1)
    })
    await database.db.prisma.agent.update({ where: { id: principal.id }, data: { epoch: { increment: 1 } } })
    await blocker.query('ROLLBACK')
    const { accessToken } = await exchanging
    expect(readDelegated(accessToken).claims.sub).toBe(principal.did)
    expect(await endOfDelegated(database.db, accessToken)).toBe('AGENT_TOKENS_ENDED')
  } finally {
    blocker.release(true)
  }
})

it('an assertion and a DPoP proof give one token when they come 20 times at the same time', async () => {
  const { instance, holders, chain } = world
  const [, , client] = await freshParty()
  const own = await chainThrough(world.key, [holders[0], client])
  expect(own).not.toBe(chain)
  const [assertion, call] = [clientAssertion(client), await provenCall(client)]
  const at20 = (wishes: object, by?: typeof call) =>
    Promise.all(Array.from({ length: 20 }, () => refusalOf(exchangeChain(instance, client, own, wishes, by))))
  const [first, second] = [await at20(assertion), await at20({}, call)]
  for (const [reasons, reason] of [[first, 'ASSERTION_USED'] as const, [second, 'DPOP_PROOF_USED'] as const]) {
    expect(reasons.filter((each) => each === undefined)).toHaveLength(1)
    expect(reasons.filter((each) => each === reason)).toHaveLength(19)
  }
})
