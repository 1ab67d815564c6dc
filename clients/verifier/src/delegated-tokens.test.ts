import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { describe, expect, it } from 'vitest'
import { chainOutcome, newHolder, PAY_URL, SHOP, wantedWith } from '../../../test/clients/verifier/chains.ts'
import { delegatedToken, idAt, type MadeToken, setUpDelegated } from '../../../test/clients/verifier/delegated.ts'
import { ISSUER } from '../../../test/support/assertions.ts'
import { JWKS, newToken, outcomeOf } from '../../../test/support/offline-verifier.ts'

const OTHER = 'https://c.example'
const PAY = { amount: { constraint_type: 'range', max: 500 } }

it('verifyDelegated resolves with who acts for whom in a delegated token', async () => {
  const { verifier, token, principal, middle, actor } = await setUpDelegated()
  const delegation = await verifier.verifyDelegated(token, await wantedWith(actor, token))
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  expect(delegation).toEqual({
    issuer: ISSUER,
    principal: principal.did,
    actor: actor.did,
    chain: [principal, middle, actor].map(({ did, operatorId }, place) => ({
      did,
      operatorId,
      grantId: idAt(place),
      expires: exp,
    })),
    capabilities: [`${SHOP}#pay`, `${SHOP}#read`],
    allows: expect.any(Function),
  })
  expect(verifier.metrics().verifications).toEqual({ VALID: 1 })
  expect([
    delegation.allows('read'),
    delegation.allows('pay', { amount: 500 }),
    delegation.allows('pay', { amount: 501 }),
    delegation.allows('pay'),
    delegation.allows('refund'),
  ]).toEqual([true, true, false, false, false])
})

it('verify refuses a delegated token before it looks for a key, also if another call has accepted it', async () => {
  const { verifier, token, actor, issuer } = await setUpDelegated()
  expect(await chainOutcome(verifier, token, await wantedWith(actor, token))).toBe('VALID')
  delete issuer.answers[JWKS]
  const dpop = { proof: await actor.prove(token), method: 'POST', url: PAY_URL }
  for (const wanted of [{}, { dpop }, { scope: 'read', dpop }])
    expect(await outcomeOf(verifier, token, wanted)).toBe('DELEGATION_NOT_ACCEPTED')
})

it('verify accepts a token with may_act as a token of its subject', async () => {
  const { verifier, issuer, principal, middle } = await setUpDelegated()
  const cnf = { jkt: thumbprint(principal.signer.publicKey) }
  const token = newToken(issuer.key, {
    sub: principal.did,
    client_id: principal.did,
    cnf,
    may_act: { sub: middle.did },
  })
  const dpop = { proof: await principal.prove(token), method: 'POST', url: PAY_URL }
  expect(await verifier.verify(token, { dpop })).toMatchObject({ sub: principal.did, may_act: { sub: middle.did } })
})

const changed = (members: object) => async (made: MadeToken) => ({
  ...(await wantedWith(made.actor, made.token)),
  ...members,
})
const withProofBy = (who: 'principal' | 'middle') => (made: MadeToken) => wantedWith(made[who], made.token)

describe('verifyDelegated refuses a genuine delegated token', () => {
  it.each<[string, (made: MadeToken) => Promise<object>, string]>([
    ['without a proof', changed({ dpop: 'required' }), 'PROOF_REQUIRED'],
    ['with a proof by the principal', withProofBy('principal'), 'PROOF_INVALID'],
    ['with a proof by the middle', withProofBy('middle'), 'PROOF_INVALID'],
    ['for a scope that it does not have', changed({ scope: 'refund' }), 'CAPABILITY_MISSING'],
    ['at another audience', changed({ audience: OTHER }), 'CAPABILITY_MISSING'],
    ['with an amount over the limit', changed({ arguments: () => ({ amount: 501 }) }), 'ARGUMENT_REFUSED'],
    ['without arguments', changed({ arguments: () => undefined }), 'ARGUMENTS_NEEDED'],
    ['of agents of another domain', changed({ actors: ['other.test'] }), 'ACTOR_NOT_TRUSTED at 0'],
  ])('%s', async (_name, wantedOf, outcome) => {
    const made = await setUpDelegated()
    expect(await chainOutcome(made.verifier, made.token, await wantedOf(made))).toBe(outcome)
  })

  it('that was sent with the same proof before', async () => {
    const { verifier, token, actor } = await setUpDelegated()
    const wanted = await wantedWith(actor, token)
    expect(await chainOutcome(verifier, token, wanted)).toBe('VALID')
    expect(await chainOutcome(verifier, token, wanted)).toBe('PROOF_REPLAYED')
  })

  it('whose principal is an agent of another operator, also when a trusted agent acts', async () => {
    const { verifier, token, actor } = await setUpDelegated({ operators: ['acme.test'] }, ['other.test'])
    expect(await chainOutcome(verifier, token, await wantedWith(actor, token))).toBe('OPERATOR_NOT_TRUSTED at 0')
  })

  it('at an audience at which its details do not allow the scope', async () => {
    const { verifier, sign, actor } = await setUpDelegated({ audience: OTHER })
    const token = sign({ aud: [SHOP, OTHER], tools: { [`${SHOP}#pay`]: PAY } })
    expect(await chainOutcome(verifier, token, await wantedWith(actor, token))).toBe('CAPABILITY_MISSING')
    const reading = { ...(await wantedWith(actor, token)), scope: 'read' }
    expect(await chainOutcome(verifier, token, reading)).toBe('VALID')
  })
})

describe('verifyDelegated refuses a text that is no genuine delegated token', () => {
  const nowS = Math.floor(Date.now() / 1000)
  it.each<[string, (made: MadeToken) => string, string]>([
    ['whose act leaves out the middle', ({ sign, actor }) => sign({}, { act: { sub: actor.did } }), 'MALFORMED_TOKEN'],
    ['whose act has only the middle', ({ sign, middle }) => sign({}, { act: { sub: middle.did } }), 'MALFORMED_TOKEN'],
    ['without cnf', ({ sign }) => sign({}, { cnf: undefined }), 'MALFORMED_TOKEN'],
    ['without a lineage', ({ sign }) => sign({}, { a4a_lineage: undefined }), 'MALFORMED_TOKEN'],
    ['without act', ({ sign }) => sign({}, { act: undefined }), 'MALFORMED_TOKEN'],
    ['with may_act', ({ sign, middle }) => sign({}, { may_act: { sub: middle.did } }), 'MALFORMED_TOKEN'],
    ['of another issuer', ({ sign }) => sign({ iss: OTHER }), 'WRONG_ISSUER'],
    ['with a wrong signature', ({ token }) => `${token.slice(0, -8)}AAAAAAAA`, 'SIGNATURE_INVALID'],
    ['that has expired', ({ sign }) => sign({ iat: nowS - 900, nbf: nowS - 900, exp: nowS - 60 }), 'TOKEN_EXPIRED'],
  ])('%s', async (_name, textOf, outcome) => {
    const made = await setUpDelegated()
    const text = textOf(made)
    expect(await chainOutcome(made.verifier, text, await wantedWith(made.actor, text))).toBe(outcome)
  })

  it('of a key that the issuer does not publish', async () => {
    const [made, other] = [await setUpDelegated(), await setUpDelegated()]
    const text = delegatedToken(other, [newHolder(), made.actor])
    expect(await chainOutcome(made.verifier, text, await wantedWith(made.actor, text))).toBe('UNKNOWN_KEY')
  })
})
