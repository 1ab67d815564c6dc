import { describe, expect, it } from 'vitest'
import { accessToken, GOOD_CLAIMS, knownKey, NO_KEYS } from '../../../../test/support/access-tokens.ts'
import { ISSUER, NOW_S } from '../../../../test/support/assertions.ts'
import { delegatedPayload } from '../../../../test/support/delegated-tokens.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  holderDid,
  holderKey,
  ISSUED,
  OPERATOR,
} from '../../../../test/support/grant-chains.ts'
import { createGenuineChains } from './genuine-chains.ts'
import { createGenuineDelegated } from './genuine-delegated.ts'
import { isDelegated, isDelegatedToken } from './is-delegated.ts'

const { pair, keys, entry } = knownKey()
const agents = (count: number) =>
  Array.from({ length: count }, (_, depth) => ({
    did: holderDid(holderKey(depth)),
    operatorId: OPERATOR,
    publicKey: holderKey(depth).publicKey,
  }))
const AGENTS = agents(3)
const TIMES = { iss: ISSUER, iat: NOW_S, nbf: NOW_S, exp: NOW_S + 900 }
const tokenOf = (parties: typeof AGENTS) =>
  accessToken(pair, {}, { ...delegatedPayload(parties, TIMES), agent_key: undefined })
const token = tokenOf(AGENTS)
const chains = createGenuineChains({ issuer: CHAIN_ISSUER, keys: countingKeys() })
const verify = createGenuineDelegated(chains, { issuer: ISSUER, keys })
const [SHOP] = delegatedPayload(AGENTS).aud
const PAYING = { audience: [String(SHOP)], scope: ['pay'] }

async function authorityOf(text: string) {
  const genuine = await verify(text)
  if (!genuine.ok) throw new Error(genuine.reason)
  return genuine.authority
}

describe('createGenuineDelegated', () => {
  it('gives chains and delegated tokens the same form', async () => {
    const [ofChain, ofToken] = [await authorityOf(chainOf(2)), await authorityOf(token)]
    for (const { parties, jkt } of [ofChain, ofToken])
      expect([parties.map(({ did }) => did), jkt]).toEqual([AGENTS.map(({ did }) => did), holderKey(2).kid])
    expect([ofChain.claims, ofToken.chain]).toEqual([undefined, undefined])
    expect([ofChain.exp, ofToken.exp]).toEqual([ISSUED + 3480, NOW_S + 900])
  })

  it.each([
    ['MALFORMED_TOKEN', 'an ordinary token', accessToken(pair)],
    ['MALFORMED_TOKEN', 'a text', 'x'],
    ['MALFORMED_GRANT', 'a part of a chain', 'a~b'],
    ['UNKNOWN_KEY', 'a token of another key', accessToken(knownKey().pair, {}, delegatedPayload(AGENTS, TIMES))],
  ])('answers %s to %s', async (reason, _, text) => {
    expect(await verify(text)).toMatchObject({ ok: false, reason })
  })

  it.each([
    ['a token with three parties', token],
    ['a token with nine parties', tokenOf(agents(9))],
  ])('verifies %s once if it is repeated, but asks for its key each time', async (_name, repeated) => {
    let [checks, finds] = [0, 0]
    const counting = {
      ...entry,
      verify(...[input, signature]: Parameters<typeof entry.verify>) {
        checks += 1
        return entry.verify(input, signature)
      },
    }
    let known: typeof counting | undefined = counting
    const find = async () => {
      finds += 1
      return known
    }
    const again = createGenuineDelegated(chains, { issuer: ISSUER, keys: { find, findNow: find } })
    for (let time = 0; time < 3; time += 1) expect(await again(repeated)).toMatchObject({ ok: true })
    expect(checks).toBe(1)
    expect(finds).toBeGreaterThanOrEqual(3)
    known = undefined
    expect(await again(repeated)).toMatchObject({ ok: false, reason: 'UNKNOWN_KEY' })
  })

  it('knows no token without the keys of tokens, also if it knows the keys of grants', async () => {
    const without = createGenuineDelegated(chains, { issuer: ISSUER, keys: NO_KEYS })
    expect(await without(token)).toMatchObject({ ok: false, reason: 'UNKNOWN_KEY' })
    expect(await without(chainOf(1))).toMatchObject({ ok: true })
  })
})

describe('the authority of a delegated token', () => {
  it('allows a call as its details say, and names no party in a refusal', async () => {
    const authority = await authorityOf(token)
    expect(authority.checkUses(PAYING, { amount: 500 })).toBeUndefined()
    const refusal = authority.checkUses(PAYING, { amount: 501 })
    expect([refusal?.reason, refusal?.hop]).toEqual(['ARGUMENT_REFUSED', undefined])
    const missing = authority.checkCapabilities({ ...PAYING, scope: ['refund'] })
    expect([missing?.reason, missing?.hop]).toEqual(['CAPABILITY_MISSING', undefined])
  })

  it.each([
    ['TOKEN_NOT_YET_VALID', -11],
    [undefined, -10],
    [undefined, 909],
    ['TOKEN_EXPIRED', 910],
  ])('is %s at %i seconds', async (reason, seconds) => {
    const refusal = (await authorityOf(token)).checkTimes(NOW_S + seconds, 10)
    expect([refusal?.reason, refusal?.hop]).toEqual([reason, undefined])
  })

  it('is looked up party by party, and then the token itself without a place', async () => {
    const { lineage, jti } = (await authorityOf(token)).claims ?? { lineage: [], jti: '' }
    const found = (await authorityOf(token)).lookups().map(({ hop, token: { jti: id } }) => [hop, id])
    expect(found).toEqual([...lineage.map(({ id }, at) => [at, id]), [undefined, jti]])
  })
})

it('isDelegated knows chains and delegated tokens by their form', () => {
  const texts = [chainOf(0), chainOf(1), token, accessToken(pair, {}, { act: null }), accessToken(pair), 'x', '']
  expect(texts.map(isDelegated)).toEqual([true, true, true, true, false, false, false])
  expect(texts.map(isDelegatedToken)).toEqual([false, false, true, true, false, false, false])
  expect(isDelegated(accessToken(pair, {}, { may_act: { sub: GOOD_CLAIMS.sub } }))).toBe(false)
})
