import { describe, expect, it } from 'vitest'
import {
  chainOutcome,
  idsOf,
  type Made,
  newHolder,
  setUpChain,
  wantedWith,
} from '../../../test/clients/verifier/chains.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { VERIFY } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'
import type { VerifierOptions } from './verifier-options.ts'

/** Creates a chain, and a verifier that has read the log of the test to its head. */
async function setUpFollowed(options: Partial<VerifierOptions> = {}, domains: readonly string[] = []) {
  const hand = handFeed()
  const made = await setUpChain({ revocations: hand.feed, ...options }, domains)
  const log = handLog()
  const connection = await hand.next()
  connection.send(log.head())
  await made.verifier.ready()
  /** Appends records, and waits until the verifier knows them. */
  const append = async (...records: readonly Parameters<typeof log.append>[0][]) => {
    connection.send(...records.map((record) => log.append(record)), log.head())
    await until(
      async () => made.verifier.metrics().records,
      (known) => known >= records.length,
    )
  }
  const outcome = async (chain = made.chain, holder = made.actor) =>
    chainOutcome(made.verifier, chain, await wantedWith(holder, chain))
  return { ...made, hand, append, outcome }
}

type Recorded = (made: Made) => Readonly<Record<string, unknown>>
const hopsOf = ({ chain }: Made) => idsOf(chain).map((id) => ({ grant_id: id }))
const idAt = ({ chain }: Made, hop: number) => idsOf(chain)[hop] ?? ''

describe('a record of the log', () => {
  it.each<[string, Recorded, string]>([
    [
      'about the root grant ends the chain',
      (made) => ({ operatorId: made.principal.operatorId, subject: idAt(made, 0) }),
      'TOKEN_REVOKED at 0',
    ],
    [
      'about a grant in the middle ends the chain',
      (made) => ({ operatorId: made.middle.operatorId, subject: idAt(made, 1) }),
      'TOKEN_REVOKED at 1',
    ],
    [
      'about the last grant ends the chain',
      (made) => ({ operatorId: made.actor.operatorId, subject: idAt(made, 2) }),
      'TOKEN_REVOKED at 2',
    ],
    [
      'about the last grant ends the chain if the operator of the principal has revoked it',
      (made) => ({ operatorId: made.principal.operatorId, subject: idAt(made, 2) }),
      'TOKEN_REVOKED at 2',
    ],
    [
      'about a grant of the same id does not end the chain if an operator below has revoked it',
      (made) => ({ operatorId: made.actor.operatorId, subject: idAt(made, 0) }),
      'VALID',
    ],
    [
      'about the principal ends the chain',
      ({ principal: { did, operatorId } }) => ({ kind: 'agent', operatorId, subject: did, minimumEpoch: 4 }),
      'AGENT_TOKENS_ENDED at 0',
    ],
    [
      'about a middle holder ends the chain',
      ({ middle: { did, operatorId } }) => ({ kind: 'agent', operatorId, subject: did, minimumEpoch: 4 }),
      'AGENT_TOKENS_ENDED at 1',
    ],
    [
      'about a middle holder with its current epoch does not end the chain',
      ({ middle: { did, operatorId } }) => ({ kind: 'agent', operatorId, subject: did, minimumEpoch: 3 }),
      'VALID',
    ],
    [
      'about the operator of a middle holder ends the chain',
      ({ middle: { operatorId } }) => ({ kind: 'operator', operatorId, subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED at 1',
    ],
    [
      'about the deployment ends the chain',
      () => ({ kind: 'deployment', subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED at 0',
    ],
    [
      'about the key of the grants ends the chain',
      ({ grantKid }) => ({ kind: 'key', subject: grantKid }),
      'UNKNOWN_KEY at 0',
    ],
    ['about another grant does not end the chain', () => ({ operatorId: 'other', subject: 'x' }), 'VALID'],
  ])('%s', async (_name, record, outcome) => {
    const made = await setUpFollowed()
    // The verifier remembers the signatures of the chain now.
    expect(await made.outcome()).toBe('VALID')
    await made.append(record(made))
    expect(await made.outcome()).toBe(outcome)
  })

  it('about a grant ends the grants that were made from it later', async () => {
    const made = await setUpFollowed()
    await made.append({ operatorId: made.actor.operatorId, subject: idAt(made, 2) })
    const late = newHolder()
    const longer = await made.handOn(made.chain, made.actor, late)
    expect(await made.outcome(longer, late)).toBe('TOKEN_REVOKED at 2')
  })

  it('that arrives while the arguments are being read ends the chain', async () => {
    const made = await setUpFollowed()
    const wanted = {
      ...(await wantedWith(made.actor, made.chain)),
      async arguments() {
        await made.append({ operatorId: made.middle.operatorId, subject: idAt(made, 1) })
        return { amount: 20 }
      },
    }
    expect(await chainOutcome(made.verifier, made.chain, wanted)).toBe('TOKEN_REVOKED at 1')
  })
})

it('verifyDelegated refuses a chain if the verifier is closed while the arguments are being read', async () => {
  const { verifier, chain, actor } = await setUpChain()
  const wanted = {
    ...(await wantedWith(actor, chain)),
    arguments() {
      verifier.close()
      return { amount: 20 }
    },
  }
  expect(await chainOutcome(verifier, chain, wanted)).toBe('VERIFIER_CLOSED')
  expect(await chainOutcome(verifier, chain, wanted)).toBe('VERIFIER_CLOSED')
})

it('verifyDelegated refuses a chain without the keys of the issuer with a temporary error', async () => {
  const { verifier, issuer, chain, actor } = await setUpChain()
  for (const path of Object.keys(issuer.answers)) delete issuer.answers[path]
  const wanted = await wantedWith(actor, chain)
  await expect(verifier.verifyDelegated(chain, wanted)).rejects.toMatchObject({
    reason: 'KEYS_UNAVAILABLE',
    isTemporary: true,
  })
})

describe('a verifier whose knowledge of revocations is stale', () => {
  const stale = { revocations: handFeed().feed }

  it('refuses a chain', async () => {
    const { verifier, chain, actor } = await setUpChain(stale)
    expect(await chainOutcome(verifier, chain, await wantedWith(actor, chain))).toBe('REVOCATIONS_STALE')
  })

  it.each<[string, (made: Made) => object, string]>([
    ['that the issuer calls valid', (made) => ({ valid: true, delegation: { hops: hopsOf(made) } }), 'VALID'],
    ['that the issuer calls revoked', () => ({ valid: false, reason: 'TOKEN_REVOKED' }), 'TOKEN_REVOKED'],
    ['whose arguments the issuer refuses', () => ({ valid: false, reason: 'ARGUMENT_REFUSED' }), 'ARGUMENT_REFUSED'],
    ['if the answer has an unknown reason', () => ({ valid: false, reason: 'MOON' }), 'REVOCATIONS_STALE'],
    ['if the answer is about an access token', () => ({ valid: true, claims: { jti: 'x' } }), 'REVOCATIONS_STALE'],
    [
      'if the answer is about another chain',
      (made) => ({ valid: true, delegation: { hops: hopsOf(made).slice(1) } }),
      'REVOCATIONS_STALE',
    ],
    ['if the answer names no grants', () => ({ valid: true, delegation: { hops: [] } }), 'REVOCATIONS_STALE'],
    ['if the answer is not a verdict', () => ({ valid: 'true' }), 'REVOCATIONS_STALE'],
  ])("and that asks gives the issuer's verdict about a chain %s", async (_name, answerOf, outcome) => {
    const made = await setUpChain({ ...stale, onStale: 'ask' })
    made.issuer.answers[VERIFY] = answerOf(made)
    const wanted = await wantedWith(made.actor, made.chain)
    expect(await chainOutcome(made.verifier, made.chain, wanted)).toBe(outcome)
  })

  it('and that asks sends the chain, its proof, the arguments and all demands, but only if the chain meets them', async () => {
    const bodies: unknown[] = []
    const made = await setUpChain({ ...stale, onStale: 'ask' })
    const { issuer, chain, actor } = made
    const verifier = issuer.newVerifier({
      ...stale,
      onStale: 'ask',
      operators: ['acme.test'],
      async fetch(url, init) {
        const path = new URL(url).pathname
        if (path !== VERIFY) return Response.json(issuer.answers[path])
        bodies.push(await new Response(init?.body).json())
        return Response.json({ valid: true, delegation: { hops: hopsOf(made) } })
      },
    })
    const wanted = { ...(await wantedWith(actor, chain)), actors: ['acme.test'] }
    const over = { ...(await wantedWith(actor, chain)), arguments: () => ({ amount: 501 }) }
    expect(await chainOutcome(verifier, chain, wanted)).toBe('VALID')
    expect(await chainOutcome(verifier, chain, over)).toBe('ARGUMENT_REFUSED at 0')
    expect(bodies).toEqual([
      {
        token: chain,
        audience: ['https://b.example'],
        scope: 'pay',
        operators: ['acme.test'],
        delegation: 'accept',
        arguments: { amount: 20 },
        actors: ['acme.test'],
        dpop_proof: wanted.dpop.proof,
        http_method: 'POST',
        http_url: 'https://b.example/pay',
      },
    ])
  })
})
