import { MAX_CHAIN_BYTES, MAX_DEPTH, MAX_GRANT_BYTES } from '@auth4agent/core/delegation/grant-types'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { describe, expect, it, vi } from 'vitest'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  GRANT_KEY,
  type GrantChange,
  grantsOf,
  holderDid,
  holderKey,
  holderStatement,
  ISSUED,
  idOf,
  OPERATOR,
  PAY,
  READ,
  rootGrant,
} from '../../test/support/grant-chains.ts'
import { identityKey } from '../../test/support/key-events.ts'
import points from '../../test/vectors/protocol/keys.json' with { type: 'json' }
import { verifyGrantChain } from './verify-grant-chain.ts'

const bound = (x: string) => ({ cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x } } })
const noted = (size: number) => rootGrant({ claims: { note: 'x'.repeat(size) } })
const verify = (text: string, keys = countingKeys()) => verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys })

describe('verifyGrantChain accepts', () => {
  it.each(Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => depth))('a chain of depth %i', async (depth) => {
    const [grants, keys] = [grantsOf(depth), countingKeys()]
    const verified = await verify(grants.join('~'), keys)
    if (!verified.ok) throw new Error(`${verified.hop} ${verified.reason}: ${verified.rule}`)
    expect(verified.chain.hops.map(({ id }) => id)).toEqual(grants.map(idOf))
    // The root, and a statement in each other grant.
    expect(keys.checks).toBe(depth + 1)
  })

  it.each<[string, number, Readonly<Record<number, GrantChange>>]>([
    ['a child that is exactly as wide as its parent', 1, { 1: { claims: { iat: ISSUED, exp: ISSUED + 3600 } } }],
    [
      'a ceiling that is reached',
      2,
      { 0: { claims: { del_max_depth: 2 } }, 1: { claims: { del_max_depth: 2 } }, 2: { claims: { del_max_depth: 2 } } },
    ],
    [
      'unknown claims and header members',
      1,
      { 0: { claims: { note: 'x' } }, 1: { claims: { note: 1 }, header: { note: 'x' } } },
    ],
    ['a statement with unknown claims', 1, { 1: { statement: { claims: { note: 'x' } } } }],
    ['text beyond ASCII', 1, { 1: { claims: { note: 'é𝄞' } } }],
  ])('%s', async (_name, depth, changes) => {
    expect(await verify(chainOf(depth, changes))).toMatchObject({ ok: true })
  })

  it('a grant up to 4,096 bytes', async () => {
    const grants = Array.from({ length: 3_000 }, (_, size) => size + 1_000)
    const tooLong = grants.find((size) => noted(size).length > MAX_GRANT_BYTES) ?? 0
    expect(await verify(noted(tooLong - 1))).toMatchObject({ ok: true })
    expect(await verify(noted(tooLong))).toMatchObject({ reason: 'MALFORMED_GRANT', hop: 0 })
  })

  it('a text up to 16,384 bytes as a chain', async () => {
    expect(await verify('a'.repeat(MAX_CHAIN_BYTES))).toMatchObject({ reason: 'MALFORMED_GRANT', hop: 0 })
  })
})

it('verifyGrantChain returns what the issuer says about each holder, and what the grant says', async () => {
  const next = identityKey('next key for grants')
  const statement = { signer: next, header: { kid: next.kid }, claims: { exp: ISSUED + 3590, epoch: [7, 1] } }
  const [root, child] = grantsOf(1, {
    0: { claims: { a4a_to: ['acme.test', 'b.test'] } },
    1: { statement, claims: { a4a_to: ['b.test'], del_max_depth: 2 } },
  })
  const verified = await verify(`${root}~${child}`, countingKeys([GRANT_KEY, next]))
  expect(verified.ok && verified.chain).toMatchObject({
    issuer: CHAIN_ISSUER,
    hops: [
      {
        did: holderDid(holderKey(0)),
        operatorId: OPERATOR,
        epoch: [3, 2],
        kid: GRANT_KEY.kid,
        jti: 'grant-0',
        depth: 0,
      },
      { did: holderDid(holderKey(1)), operatorId: OPERATOR, epoch: [7, 1], kid: next.kid, jti: 'grant-1', depth: 1 },
    ],
  })
  if (!verified.ok) return
  const [first, last] = verified.chain.hops
  expect(first).toMatchObject({ iat: ISSUED, exp: ISSUED + 3600, maxDepth: 8, allowedDomains: ['acme.test', 'b.test'] })
  expect(first?.statement).toBeUndefined()
  expect(last).toMatchObject({ iat: ISSUED + 60, exp: ISSUED + 3540, maxDepth: 2, allowedDomains: ['b.test'] })
  expect(last?.statement).toEqual({ iat: ISSUED, exp: ISSUED + 3590 })
  expect(last).toMatchObject({ publicJwk: holderKey(1).jwk, jkt: holderKey(1).kid, id: idOf(child ?? '') })
  expect([...(last?.capabilities.keys() ?? [])]).toEqual([READ, PAY])
})

describe('verifyGrantChain refuses as key of a holder', () => {
  const weak = points.points.flatMap(({ name, public_key_hex, expect: expected }) =>
    expected === 'accepted' ? [] : [{ name, x: Buffer.from(public_key_hex, 'hex').toString('base64url') }],
  )

  it.each(weak)('$name', async ({ x }) => {
    const jkt = jwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })
    const reason = 'KEY_NOT_ADMITTED'
    expect(await verify(chainOf(0, { 0: { claims: bound(x) } }))).toMatchObject({ reason, hop: 0 })
    const statement = { claims: { cnf: { jkt } } }
    expect(await verify(chainOf(1, { 1: { claims: bound(x), statement } }))).toMatchObject({ reason, hop: 1 })
  })
})

describe('verifyGrantChain asks for the state of the key of the', () => {
  const next = identityKey('next key for grants')
  const byNext = { 1: { statement: { signer: next, header: { kid: next.kid } } } }

  it.each([
    ['root', GRANT_KEY.kid, 0],
    ['statement', next.kid, 1],
  ])('%s', async (_name, kid, hop) => {
    const keys = countingKeys([GRANT_KEY, next])
    const text = chainOf(1, byNext)
    for (const state of ['active', 'retiring'] as const) {
      keys.become({ state }, kid)
      expect(await verify(text, keys)).toMatchObject({ ok: true })
    }
    for (const state of ['prepared', 'retired', 'compromised'] as const) {
      keys.become({ state }, kid)
      expect(await verify(text, keys)).toMatchObject({ reason: 'UNKNOWN_KEY', hop })
    }
    keys.become({ state: 'active', alg: 'EdDSA' }, kid)
    expect(await verify(text, keys)).toMatchObject({ reason: 'UNSUPPORTED_ALGORITHM', hop })
  })

  it('root again if the key was prepared and may have begun to sign', async () => {
    const keys = countingKeys()
    const active = await keys.find(GRANT_KEY.kid)
    keys.become({ state: 'prepared' })
    expect(await verify(rootGrant(), { ...keys, findNow: async () => active })).toMatchObject({ ok: true })
  })
})

describe('verifyGrantChain checks at most one signature of a chain without a genuine root:', () => {
  const stranger = identityKey('a stranger')
  it.each<[string, string, number]>([
    ['a forged root', chainOf(8, { 0: { signer: stranger } }), 1],
    ['a root by an unknown key', chainOf(8, { 0: { signer: stranger, header: { kid: stranger.kid } } }), 0],
    [
      'statements',
      Array(9)
        .fill(holderStatement(holderKey(0)))
        .join('~'),
      0,
    ],
    ['derived grants', Array(9).fill(grantsOf(1)[1]).join('~'), 0],
    ['a root of another issuer', chainOf(8, { 0: { claims: { iss: 'https://auth.example.org' } } }), 1],
  ])('%s', async (_name, text, checks) => {
    const keys = countingKeys()
    expect(await verify(text, keys)).toMatchObject({ ok: false, hop: 0 })
    expect(keys.checks).toBe(checks)
  })

  it('it reads no claims before their signature is verified', async () => {
    const parse = vi.spyOn(JSON, 'parse')
    try {
      const forged = chainOf(1, { 1: { signer: stranger, rewrite: () => '{"never":"read"}' } })
      expect(await verify(forged)).toMatchObject({ reason: 'NOT_BY_HOLDER' })
      expect(parse.mock.calls.map(([text]) => text)).not.toContain('{"never":"read"}')
    } finally {
      parse.mockRestore()
    }
  })
})
