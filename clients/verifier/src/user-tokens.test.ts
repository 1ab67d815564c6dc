import { formatUserClaims, type UserClaims } from '@auth4agent/core/delegation/user-claims'
import { describe, expect, it } from 'vitest'
import {
  chainOutcome,
  type GrantIssuer,
  grantIssuer,
  newHolder,
  PAY_URL,
  SHOP,
} from '../../../test/clients/verifier/chains.ts'
import { ISSUER } from '../../../test/support/assertions.ts'
import { handFeed, handLog } from '../../../test/support/hand-feed.ts'
import { JWKS, newToken, outcomeOf } from '../../../test/support/offline-verifier.ts'
import { until } from '../../../test/support/until.ts'
import { createGuard } from './guard.ts'

const CLIENT = 'https://client.example/oauth/client.json'
const USERS = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
const EDGE = '0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2c'

/** Claims of a token with which a program acts for a user, without a key. */
function claims(edits: Partial<UserClaims> = {}): UserClaims {
  const iat = Math.floor(Date.now() / 1_000)
  return {
    iss: ISSUER,
    sub: 'user:9sKl2mNo4pQr6sTu8vWxYz',
    aud: [SHOP],
    scope: 'read pay',
    operator_id: USERS,
    client_id: CLIENT,
    epoch: [4, 2],
    edges: [EDGE],
    provider: { issuer: 'https://idp.example', generation: 1 },
    user: { operatorId: USERS, epoch: [4, 2] },
    iat,
    nbf: iat,
    exp: iat + 300,
    jti: crypto.randomUUID(),
    lineage: [],
    details: new Map(),
    ...edits,
  }
}

const sign = ({ issuer: { key } }: GrantIssuer, edits: Partial<UserClaims> = {}, raw: object = {}) =>
  key.sign({ alg: key.alg, typ: 'at+jwt', kid: key.kid }, { ...formatUserClaims(claims(edits)), ...raw })

const requestWith = (authorization: string) =>
  ({ request: {}, authorization: [authorization], dpop: [], method: 'POST', target: '/pay' }) as const
const WANTED = { audience: SHOP, scope: 'read' }

describe('verifyDelegated, for the token of a program that acts for a user', () => {
  it('tells the user, its operator, the provider and the program', async () => {
    const made = grantIssuer()
    const delegation = await made.issuer.newVerifier().verifyDelegated(sign(made), WANTED)
    expect(delegation).toMatchObject({
      principal: 'user:9sKl2mNo4pQr6sTu8vWxYz',
      userOperatorId: USERS,
      identityProvider: 'https://idp.example',
      actor: CLIENT,
      chain: [],
    })
    expect([delegation.allows('pay'), delegation.allows('refund')]).toEqual([true, false])
  })

  const holder = newHolder()
  const proof = async (text: string) => ({ proof: await holder.prove(text), method: 'POST', url: PAY_URL })
  it.each<readonly [string, string, Partial<UserClaims>, object, 'proof' | 'none']>([
    ['VALID', 'without a key as a bearer token', {}, WANTED, 'none'],
    ['TOKEN_NOT_BOUND', 'without a key where keys are required', {}, { ...WANTED, dpop: 'required' }, 'none'],
    ['TOKEN_NOT_BOUND', 'without a key, with a proof', {}, WANTED, 'proof'],
    ['CAPABILITY_MISSING', 'for a scope that it lacks', {}, { ...WANTED, scope: 'refund' }, 'none'],
    ['CAPABILITY_MISSING', 'at another audience', { aud: ['https://c.example'] }, WANTED, 'none'],
    ['TOKEN_EXPIRED', 'after its time', { iat: 1, nbf: 1, exp: 2 }, WANTED, 'none'],
  ])('is %s %s', async (outcome, _name, edits, wanted, how) => {
    const made = grantIssuer()
    const text = sign(made, edits)
    const dpop = how === 'proof' ? { dpop: await proof(text) } : {}
    expect(await chainOutcome(made.issuer.newVerifier(), text, { ...wanted, ...dpop })).toBe(outcome)
  })

  it('is refused unless the operator of the user is accepted', async () => {
    const made = grantIssuer()
    const outcome = (operators: readonly string[]) =>
      chainOutcome(made.issuer.newVerifier({ operators }), sign(made), WANTED)
    expect(await outcome([USERS])).toBe('VALID')
    expect(await outcome(['acme.test'])).toBe('OPERATOR_NOT_TRUSTED at 0')
  })

  it('is refused after the consent has ended, in words that name no grant', async () => {
    const made = grantIssuer()
    const hand = handFeed()
    const log = handLog()
    const verifier = made.issuer.newVerifier({ revocations: hand.feed })
    const connection = await hand.next()
    connection.send(log.head(), log.append({ kind: 'edge', subject: EDGE }), log.head())
    await until(
      async () => verifier.metrics().records,
      (known) => known === 1,
    )
    const refused = verifier.verifyDelegated(sign(made), WANTED)
    await expect(refused).rejects.toMatchObject({
      reason: 'TRUST_ENDED',
      hop: 0,
      message: 'The token was ended together with the trust that had allowed it',
    })
  })

  it('never is the token of an agent itself', async () => {
    const made = grantIssuer()
    const verifier = made.issuer.newVerifier()
    expect(await outcomeOf(verifier, sign(made))).toBe('DELEGATION_NOT_ACCEPTED')
    delete made.issuer.answers[JWKS]
    expect(await outcomeOf(made.issuer.newVerifier(), sign(made, {}, { act: undefined }))).toBe('MALFORMED_TOKEN')
  })
})

describe('protect with delegation accept', () => {
  it('accepts the bearer token of a program, and not under the scheme DPoP', async () => {
    const made = grantIssuer()
    const verifier = made.issuer.newVerifier({ audience: SHOP })
    const guard = createGuard(verifier, { scope: 'read', delegation: 'accept' })
    const text = sign(made)
    expect(await guard(requestWith(`Bearer ${text}`))).toMatchObject({ delegation: { actor: CLIENT } })
    expect(await guard(requestWith(`DPoP ${text}`))).toMatchObject({ status: 401, title: expect.any(String) })
    const own = newToken(made.issuer.key, { aud: [SHOP], scope: 'read' })
    expect(await guard(requestWith(`Bearer ${own}`))).toMatchObject({ claims: { scope: 'read' } })
  })

  it('refuses a bearer token where keys are required, and everywhere without delegation accept', async () => {
    const made = grantIssuer()
    const verifier = made.issuer.newVerifier({ audience: SHOP })
    const text = requestWith(`Bearer ${sign(made)}`)
    const strict = createGuard(verifier, { scope: 'read', delegation: 'accept', dpop: 'required' })
    expect(await strict(text)).toMatchObject({ status: 401, body: expect.stringContaining('TOKEN_NOT_BOUND') })
    const plain = createGuard(verifier, { scope: 'read' })
    expect(await plain(text)).toMatchObject({ body: expect.stringContaining('DELEGATION_NOT_ACCEPTED') })
  })
})
