import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, type TestInstance } from '../../../test/support/authn.ts'
import { clientAssertion, insertAgent } from '../../../test/support/authn-agents.ts'
import type { TestDatabase } from '../../../test/support/database.ts'
import { type ExchangeWorld, startExchangeWorld } from '../../../test/support/exchange-world.ts'
import {
  ACCESS_TOKEN,
  endOfDelegated,
  exchangeChain,
  provenCall,
  readDelegated,
} from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { details } from '../../../test/support/grant-chains.ts'
import {
  ACCEPT,
  chainThrough,
  handOn,
  lastId,
  rootFor,
  SHOP,
  type TestGrantKey,
} from '../../../test/support/held-chains.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const OTHER = 'https://other.example'
const amount = (max: number) => ({ amount: { constraint_type: 'range', max } })
const detailText = (tools: object) => JSON.stringify(details(tools))
const nowS = () => Math.floor(Date.now() / 1000)

let database: TestDatabase
let instance: TestInstance
let key: TestGrantKey
let operators: ExchangeWorld['operators']
let holders: ExchangeWorld['holders']
let chain: string

beforeAll(async () => {
  ;({ database, instance, key, operators, holders, chain } = await startExchangeWorld())
})
afterAll(() => database.drop())

const exchange = (wishes: Parameters<typeof exchangeChain>[3] = {}) =>
  exchangeChain(instance, holders[2], chain, wishes)

describe('a chain of grants is exchanged', () => {
  it('for a token of the first holder with which the last one acts', async () => {
    const [principal, middle, actor] = holders
    const answer = await exchange()
    expect(answer).toMatchObject({
      tokenType: 'DPoP',
      issuedTokenType: ACCESS_TOKEN,
      scope: 'read',
      authorizationDetails: [],
    })
    const { claims, kid } = readDelegated(answer.accessToken)
    expect(claims).toMatchObject({
      iss: ISSUER,
      sub: principal.did,
      operator_id: principal.operatorId,
      epoch: [1, 1],
      client_id: actor.did,
      cnf: { jkt: thumbprint(actor.publicKey) },
      aud: [SHOP],
      scope: 'read',
    })
    const ids = chain.split('~').map((_, at) =>
      lastId(
        chain
          .split('~')
          .slice(0, at + 1)
          .join('~'),
      ),
    )
    expect(claims.lineage).toEqual(
      [principal, middle, actor].map(({ did, operatorId }, at) => ({
        did,
        operatorId,
        epoch: [1, 1],
        id: ids[at],
        kid: key.kid,
      })),
    )
    expect(claims.exp - claims.iat).toBe(answer.expiresIn)
    const payload = JSON.parse(Buffer.from(answer.accessToken?.split('.')[1] ?? '', 'base64url').toString())
    expect(payload.act).toEqual({ sub: actor.did, act: { sub: middle.did } })
    const signing = await database.db.prisma.jwksKey.findUniqueOrThrow({ where: { kid } })
    expect(signing.purpose).toBe('access_token')
    expect(await endOfDelegated(database.db, answer.accessToken)).toBeUndefined()
    const token = answer.accessToken ?? ''
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'DELEGATION_NOT_ACCEPTED' })
    expect(await instance.verify(token, ACCEPT)).toMatchObject({ valid: true })
  })

  it('for constrained capabilities in authorization_details alone, narrower than every grant or the same', async () => {
    const authorizationDetails = detailText({ [`${SHOP}#pay`]: amount(100) })
    for (const scope of ['', 'read']) {
      const answer = await exchange({ scope, authorizationDetails })
      expect(answer.scope).toBe(scope)
      expect(answer.authorizationDetails).toEqual(JSON.parse(authorizationDetails))
      expect([...readDelegated(answer.accessToken).claims.details.keys()]).toEqual([`${SHOP}#pay`])
    }
  })

  it('for a token that expires no later than the last grant', async () => {
    const short = await handOn(key, await rootFor(key, holders[0]), holders[0], holders[0], { lifetime: [0, 60] })
    const answer = await exchangeChain(instance, holders[0], short)
    expect(readDelegated(answer.accessToken).claims.exp).toBeLessThanOrEqual(nowS() + 60)
  })

  it('for the terms in the assertion, which the request may only repeat', async () => {
    const bound = (claims: object) => exchange({ ...clientAssertion(holders[2], claims), scope: '' })
    const answer = await bound({ scope: 'read', resource: [SHOP] })
    expect(answer.scope).toBe('read')
    expect(await refusalOf(bound({ scope: 'read', resource: OTHER }))).toBe('BINDING_MISMATCH')
    const other = exchange({ ...clientAssertion(holders[2], { scope: 'pay', resource: SHOP }), scope: 'read' })
    expect(await refusalOf(other)).toBe('BINDING_MISMATCH')
  })

  it('once for each assertion and DPoP proof', async () => {
    const assertion = clientAssertion(holders[2])
    const call = await provenCall(holders[2])
    expect(await refusalOf(exchange(assertion))).toBeUndefined()
    await expectRefusal(database.db, () => exchange(assertion), 'ASSERTION_USED')
    expect(await refusalOf(exchangeChain(instance, holders[2], chain, {}, call))).toBeUndefined()
    await expectRefusal(database.db, () => exchangeChain(instance, holders[2], chain, {}, call), 'DPOP_PROOF_USED')
  })
})

it('an exchange has a record in the audit of each operator, once', async () => {
  const rows: readonly (readonly [readonly number[], number])[] = [
    [[0, 0], 1],
    [[0, 1, 0], 2],
    [[0, 1, 2], 3],
  ]
  for (const [places, count] of rows) {
    const agents = await Promise.all(places.map((at) => insertAgent(database.db, operators[at] ?? operators[0])))
    const text = await chainThrough(key, agents)
    const [principal, actor] = [agents[0] ?? holders[0], agents.at(-1) ?? holders[0]]
    const answer = await exchangeChain(instance, actor, text)
    const { jti, lineage } = readDelegated(answer.accessToken).claims
    const records = await database.db.prisma.auditLog.findMany({ where: { subject: jti } })
    expect(records).toHaveLength(count)
    expect(new Set(records.map(({ operatorId }) => operatorId))).toEqual(
      new Set(agents.map(({ operatorId }) => operatorId)),
    )
    for (const { actor: by, action, outcome, reason } of records) {
      expect({ by, action, outcome }).toEqual({ by: `agent:${actor.did}`, action: 'token.exchange', outcome: 'done' })
      const facts = [`actor ${actor.did}; principal ${principal.did}`, `scope ["read"]; audience ["${SHOP}"]`]
      for (const fact of [...facts, ...lineage.map(({ id }) => id), ...agents.map(({ did }) => did)]) {
        expect(reason).toContain(fact)
      }
    }
  }
})

it('an exchange in one batch with grants and tokens keeps the records apart', async () => {
  const [plain, other] = [await insertAgent(database.db, operators[0]), await insertAgent(database.db, operators[1])]
  const assertions = [plain, other].map((agent) => clientAssertion(agent, { jti: randomUUID() }))
  const [, ...tokens] = await Promise.all([
    exchange(),
    instance.oauthToken(plain, assertions[0]),
    instance.oauthToken(other, assertions[1]),
  ])
  for (const [at, { accessToken = '' }] of tokens.entries()) {
    const { jti } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
    expect(await database.db.prisma.auditLog.findMany({ where: { subject: jti } })).toMatchObject([
      { action: 'token.issue', reason: '', operatorId: (at === 0 ? plain : other).operatorId },
    ])
  }
})
