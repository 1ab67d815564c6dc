import { describe, expect, it } from 'vitest'
import { chainOutcome, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { idAt, type MadeToken, setUpDelegated } from '../../../test/clients/verifier/delegated.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { VERIFY } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'

type RecordOf = (made: MadeToken) => Readonly<Record<string, unknown>>

describe('a record of the log', () => {
  it.each<[string, RecordOf, string]>([
    [
      'about the grant of the principal ends the token',
      ({ principal: { operatorId } }) => ({ operatorId, subject: idAt(0) }),
      'TOKEN_REVOKED at 0',
    ],
    [
      'about the grant in the middle ends the token if the operator of the principal has revoked it',
      ({ principal: { operatorId } }) => ({ operatorId, subject: idAt(1) }),
      'TOKEN_REVOKED at 1',
    ],
    [
      'about the grant in the middle does not end the token if an operator below has revoked it',
      ({ actor: { operatorId } }) => ({ operatorId, subject: idAt(1) }),
      'VALID',
    ],
    [
      'about the token ends it if the operator of the principal has revoked it',
      ({ principal: { operatorId } }) => ({ operatorId, subject: 'exchanged' }),
      'TOKEN_REVOKED',
    ],
    [
      'about the token ends it if the operator of the middle has revoked it',
      ({ middle: { operatorId } }) => ({ operatorId, subject: 'exchanged' }),
      'TOKEN_REVOKED',
    ],
    [
      'about the token ends it if the operator of the actor has revoked it',
      ({ actor: { operatorId } }) => ({ operatorId, subject: 'exchanged' }),
      'TOKEN_REVOKED',
    ],
    [
      'about the token of another operator does not end it',
      () => ({ operatorId: 'other', subject: 'exchanged' }),
      'VALID',
    ],
    [
      'about the middle ends the token',
      ({ middle: { did, operatorId } }) => ({ kind: 'agent', operatorId, subject: did, minimumEpoch: 4 }),
      'AGENT_TOKENS_ENDED at 1',
    ],
    [
      'about the operator of the actor ends the token',
      ({ actor: { operatorId } }) => ({ kind: 'operator', operatorId, subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED at 2',
    ],
    [
      'about the deployment ends the token',
      () => ({ kind: 'deployment', subject: '', minimumEpoch: 3 }),
      'OPERATOR_TOKENS_ENDED at 0',
    ],
    [
      'about the key of the grants ends the token',
      ({ grantKid }) => ({ kind: 'key', subject: grantKid }),
      'UNKNOWN_KEY at 0',
    ],
    [
      'about the key of the token ends the token',
      ({ issuer }) => ({ kind: 'key', subject: issuer.key.kid }),
      'UNKNOWN_KEY',
    ],
  ])('%s', async (_name, record, outcome) => {
    const hand = handFeed()
    const made = await setUpDelegated({ revocations: hand.feed })
    const log = handLog()
    const connection = await hand.next()
    connection.send(log.head())
    await made.verifier.ready()
    const judged = async () => chainOutcome(made.verifier, made.token, await wantedWith(made.actor, made.token))
    // The verifier remembers the signature of the token now.
    expect(await judged()).toBe('VALID')
    connection.send(log.append(record(made)), log.head())
    await until(
      async () => made.verifier.metrics().records,
      (known) => known === 1,
    )
    expect(await judged()).toBe(outcome)
  })
})

describe('a verifier whose knowledge of revocations is stale', () => {
  const stale = { revocations: handFeed().feed }
  const hops = [0, 1, 2].map((place) => ({ grant_id: idAt(place) }))

  it('refuses a delegated token', async () => {
    const { verifier, token, actor } = await setUpDelegated(stale)
    expect(await chainOutcome(verifier, token, await wantedWith(actor, token))).toBe('REVOCATIONS_STALE')
  })

  it.each<[string, object, string]>([
    ['that the issuer calls valid', { valid: true, claims: { jti: 'exchanged' }, delegation: { hops } }, 'VALID'],
    ['that the issuer calls revoked', { valid: false, reason: 'TOKEN_REVOKED' }, 'TOKEN_REVOKED'],
    [
      'if the answer is about another token with the same lineage',
      { valid: true, claims: { jti: 'another' }, delegation: { hops } },
      'REVOCATIONS_STALE',
    ],
    ['if the answer is about the chain', { valid: true, delegation: { hops } }, 'REVOCATIONS_STALE'],
    ['if the answer names no parties', { valid: true, claims: { jti: 'exchanged' } }, 'REVOCATIONS_STALE'],
  ])("and that asks gives the issuer's verdict about a delegated token %s", async (_name, answer, outcome) => {
    const { verifier, issuer, token, actor } = await setUpDelegated({ ...stale, onStale: 'ask' })
    issuer.answers[VERIFY] = answer
    expect(await chainOutcome(verifier, token, await wantedWith(actor, token))).toBe(outcome)
  })
})
