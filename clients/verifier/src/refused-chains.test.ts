import { describe, expect, it } from 'vitest'
import {
  chainOutcome,
  grantIssuer,
  type Made,
  PAY_URL,
  setUpChain,
  wantedWith,
} from '../../../test/clients/verifier/chains.ts'
import { newToken } from '../../../test/support/offline-verifier.ts'

const without = (name: string) => async (made: Made) => {
  const wanted: Record<string, unknown> = await wantedWith(made.actor, made.chain)
  return Object.fromEntries(Object.entries(wanted).filter(([each]) => each !== name))
}
const withProofBy =
  (who: 'principal' | 'middle' | 'actor', edits: (made: Made) => object = () => ({})) =>
  (made: Made) =>
    wantedWith(made[who], made.chain, edits(made))
const changed = (members: object) => async (made: Made) => ({
  ...(await wantedWith(made.actor, made.chain)),
  ...members,
})
const withArguments = (value: unknown) => changed({ arguments: () => value })

describe('verifyDelegated refuses a genuine chain', () => {
  it.each<[string, (made: Made) => Promise<object>, string]>([
    ['without a proof', without('dpop'), 'PROOF_REQUIRED'],
    ["with dpop: 'required'", changed({ dpop: 'required' }), 'PROOF_REQUIRED'],
    ['with a proof by the principal', withProofBy('principal'), 'PROOF_INVALID'],
    ['with a proof by a middle holder', withProofBy('middle'), 'PROOF_INVALID'],
    [
      'with a proof for the last grant alone',
      withProofBy('actor', ({ chain }) => ({ accessToken: chain.split('~').at(-1) })),
      'PROOF_INVALID',
    ],
    [
      'with a proof for the first grants alone',
      withProofBy('actor', ({ chain }) => ({ accessToken: chain.slice(0, chain.lastIndexOf('~')) })),
      'PROOF_INVALID',
    ],
    ['with a proof without ath', withProofBy('actor', () => ({ accessToken: undefined })), 'PROOF_INVALID'],
    ['with a proof for another method', withProofBy('actor', () => ({ method: 'GET' })), 'PROOF_INVALID'],
    ['with a proof for another URL', withProofBy('actor', () => ({ url: `${PAY_URL}s` })), 'PROOF_INVALID'],
    ['with a malformed proof', changed({ dpop: { proof: 'x', method: 'POST', url: PAY_URL } }), 'PROOF_INVALID'],
    [
      'with a proof if the public URL is not known',
      changed({ dpop: { proof: 'x', method: 'POST', url: undefined } }),
      'PUBLIC_URL_UNKNOWN',
    ],
    ['for a scope that it does not have', changed({ scope: 'refund' }), 'CAPABILITY_MISSING at 0'],
    ['for two scopes of which it has one', changed({ scope: 'pay refund' }), 'CAPABILITY_MISSING at 0'],
    ['at another audience', changed({ audience: 'https://c.example' }), 'CAPABILITY_MISSING at 0'],
    ['with an amount over the limit', withArguments({ amount: 501 }), 'ARGUMENT_REFUSED at 0'],
    ['with the amount as text', withArguments({ amount: '20' }), 'ARGUMENT_REFUSED at 0'],
    ['with the amount in a list', withArguments({ amount: [20] }), 'ARGUMENT_REFUSED at 0'],
    ['with the amount as a bigint', withArguments({ amount: 20n }), 'ARGUMENT_REFUSED'],
    ['with the amount NaN', withArguments({ amount: Number.NaN }), 'ARGUMENT_REFUSED'],
    [
      'with an amount that converts itself',
      withArguments({ amount: { valueOf: () => 20, toJSON: () => 20 } }),
      'ARGUMENT_REFUSED',
    ],
    [
      'with more than 1,000 values',
      withArguments({ amount: Array.from({ length: 1_000 }, () => 1) }),
      'ARGUMENT_REFUSED',
    ],
    ['without the amount', withArguments({}), 'ARGUMENT_REFUSED at 0'],
    ['with an undefined amount', withArguments({ amount: undefined }), 'ARGUMENT_REFUSED at 0'],
    ['with an argument that it does not name', withArguments({ amount: 1, to: 'x' }), 'ARGUMENT_REFUSED at 0'],
    ['with an inherited amount', withArguments(Object.create({ amount: 20 })), 'ARGUMENT_REFUSED'],
    ['with arguments in a Map', withArguments(new Map([['amount', 20]])), 'ARGUMENT_REFUSED'],
    ['with arguments in a list', withArguments([['amount', 20]]), 'ARGUMENT_REFUSED'],
    ['with arguments as JSON text', withArguments('{"amount":20}'), 'ARGUMENT_REFUSED'],
    ['with arguments that are null', withArguments(null), 'ARGUMENT_REFUSED'],
    ['with unknown arguments', withArguments(undefined), 'ARGUMENTS_NEEDED at 0'],
    ['without the option arguments', without('arguments'), 'ARGUMENTS_NEEDED at 0'],
    ['if arguments throws', changed({ arguments: () => Object(undefined).body.amount }), 'ARGUMENTS_NEEDED'],
    ['if arguments rejects', changed({ arguments: () => Promise.reject(new Error('no body')) }), 'ARGUMENTS_NEEDED'],
    ['of an agent of another domain', changed({ actors: ['other.test'] }), 'ACTOR_NOT_TRUSTED at 0'],
  ])('%s', async (_name, wantedOf, outcome) => {
    const made = await setUpChain()
    expect(await chainOutcome(made.verifier, made.chain, await wantedOf(made))).toBe(outcome)
    expect(made.verifier.metrics().verifications).toEqual({ [outcome.replace(/ at .*/, '')]: 1 })
  })

  it('that was sent with the same proof before', async () => {
    const { verifier, chain, actor } = await setUpChain()
    const wanted = await wantedWith(actor, chain)
    expect(await chainOutcome(verifier, chain, wanted)).toBe('VALID')
    expect(await chainOutcome(verifier, chain, wanted)).toBe('PROOF_REPLAYED')
  })

  it('whose principal is an agent of another operator, also when a trusted agent acts', async () => {
    const { verifier, chain, actor } = await setUpChain({ operators: ['acme.test'] }, ['other.test'])
    expect(await chainOutcome(verifier, chain, await wantedWith(actor, chain))).toBe('OPERATOR_NOT_TRUSTED at 0')
  })

  it.each<[string, readonly string[], readonly string[], string]>([
    [
      'of a domain that actors lacks in the middle',
      ['a.test', 'b.test', 'a.test'],
      ['a.test'],
      'ACTOR_NOT_TRUSTED at 1',
    ],
    ['of a domain that actors lacks at the end', ['a.test', 'a.test', 'b.test'], ['a.test'], 'ACTOR_NOT_TRUSTED at 2'],
    ['of one of the domains in actors', ['a.test', 'b.test', 'a.test'], ['b.test', 'a.test'], 'VALID'],
  ])('with a holder %s', async (_name, domains, actors, outcome) => {
    const { verifier, chain, actor } = await setUpChain({}, domains)
    expect(await chainOutcome(verifier, chain, { ...(await wantedWith(actor, chain)), actors })).toBe(outcome)
  })

  it.each<[string, readonly string[], readonly string[] | 'any' | undefined, string]>([
    ['whose holders are all of trusted operators', ['a.test', 'b.test', 'a.test'], undefined, 'VALID'],
    [
      'whose last holder is of no trusted operator',
      ['a.test', 'a.test', 'e.test'],
      undefined,
      'ACTOR_NOT_TRUSTED at 2',
    ],
    [
      'whose middle holder is of no trusted operator',
      ['a.test', 'e.test', 'b.test'],
      undefined,
      'ACTOR_NOT_TRUSTED at 1',
    ],
    [
      'whose last holder is of no trusted operator, but of actors',
      ['a.test', 'a.test', 'e.test'],
      ['a.test', 'e.test'],
      'VALID',
    ],
    ["whose last holder is of no trusted operator, with actors 'any'", ['a.test', 'e.test', 'f.test'], 'any', 'VALID'],
    [
      "whose first holder is of no trusted operator, with actors 'any'",
      ['e.test', 'a.test'],
      'any',
      'OPERATOR_NOT_TRUSTED at 0',
    ],
  ])('%s, by a verifier with a list of operators', async (_name, domains, actors, outcome) => {
    const { verifier, chain, actor } = await setUpChain({ operators: ['a.test', 'b.test'] }, domains)
    const wanted = { ...(await wantedWith(actor, chain)), ...(actors && { actors }) }
    expect(await chainOutcome(verifier, chain, wanted)).toBe(outcome)
  })

  it.each<[string, readonly [number, number], string]>([
    ['that has expired', [-900, -11], 'GRANT_EXPIRED at 0'],
    ['that expired within the clock skew', [-900, -5], 'VALID'],
    ['that is not valid yet', [60, 900], 'GRANT_NOT_YET_VALID at 0'],
  ])('%s', async (_name, lifetime, outcome) => {
    const { verifier, rootFor, principal } = await setUpChain()
    const chain = await rootFor(principal, { lifetime })
    expect(await chainOutcome(verifier, chain, await wantedWith(principal, chain))).toBe(outcome)
  })
})

describe('verifyDelegated refuses a text that is no genuine chain', () => {
  it.each<[string, (made: Made) => unknown, string]>([
    ['an access token', ({ issuer }) => newToken(issuer.key), 'MALFORMED_TOKEN'],
    ['a chain with a ~ at its end', ({ chain }) => `${chain}~`, 'MALFORMED_GRANT at 3'],
    ['a chain without its root', ({ chain }) => chain.slice(chain.indexOf('~') + 1), 'ROOT_EXPECTED at 0'],
    ['a chain without its middle', ({ chain }) => withoutMiddle(chain), 'NOT_BY_HOLDER at 1'],
    ['a chain with a wrong signature', ({ chain }) => `${chain.slice(0, -8)}AAAAAAAA`, 'NOT_BY_HOLDER at 2'],
    ['a chain of 16 KiB', () => `${'a'.repeat(8_192)}~${'b'.repeat(8_192)}`, 'CHAIN_TOO_LARGE'],
    ['ten grants', () => Array.from({ length: 10 }, () => 'a.b.c').join('~'), 'CHAIN_TOO_LARGE'],
    ['no text', () => undefined, 'MALFORMED_TOKEN'],
    ['a chain of another issuer', ({ actor }) => grantIssuer().rootFor(actor), 'UNKNOWN_KEY at 0'],
  ])('%s', async (_name, textOf, outcome) => {
    const made = await setUpChain()
    const text = await textOf(made)
    expect(await chainOutcome(made.verifier, text, await wantedWith(made.actor, String(text)))).toBe(outcome)
  })

  it('signed by the issuer, but with a key whose algorithm is not Ed25519', async () => {
    const { verifier, issuer, rootFor, principal } = await setUpChain()
    const [, payload = ''] = (await rootFor(principal)).split('.')
    const header = { alg: 'Ed25519', typ: 'aat+jwt', kid: issuer.key.kid }
    const root = issuer.key.sign(header, JSON.parse(Buffer.from(payload, 'base64url').toString()))
    expect(await chainOutcome(verifier, root, await wantedWith(principal, root))).toBe('UNSUPPORTED_ALGORITHM at 0')
  })
})

function withoutMiddle(chain: string): string {
  const [root, , leaf] = chain.split('~')
  return `${root}~${leaf}`
}
