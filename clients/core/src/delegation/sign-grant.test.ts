import { compactVerify, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { verifyGrantChain } from '../../../../services/revocation/verify-grant-chain.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  details,
  GRANT_KEY,
  holderDid,
  holderKey,
  ISSUED,
  idOf,
  OPERATOR,
  PAY,
  READ,
  TOOLS,
} from '../../../../test/support/grant-chains.ts'
import { type IdentityKey, identityKey, p256Key } from '../../../../test/support/key-events.ts'
import { thumbprintUri } from './check-derivation.ts'
import type { Capabilities } from './constraint.ts'
import type { RootGrant } from './issuer-claims.ts'
import { parseCapabilities } from './parse-capabilities.ts'
import type { GrantReason } from './refusal.ts'
import { type Derivation, deriveGrant, readUnverifiedChain, signHolderStatement, signRootGrant } from './sign-grant.ts'

const HOUR = { iat: ISSUED, exp: ISSUED + 3600 }

function capabilitiesOf(tools: object): Capabilities {
  const parsed = parseCapabilities(details(tools))
  if (!parsed.ok) throw new TypeError(parsed.rule)
  return parsed.value
}

function about(key: IdentityKey, epoch: readonly [number, number] = [1, 1]) {
  return { issuer: CHAIN_ISSUER, did: holderDid(key), operatorId: OPERATOR, epoch, publicKey: key.publicKey, ...HOUR }
}

const root = (changed: Partial<RootGrant> = {}) =>
  signRootGrant(GRANT_KEY, {
    ...about(holderKey(0)),
    capabilities: capabilitiesOf(TOOLS),
    maxDepth: 8,
    allowedDomains: ['acme.test', 'b.test'],
    ...changed,
  })
const statementOn = (depth: number) => signHolderStatement(GRANT_KEY, about(holderKey(depth)))

/** Derives a grant of a depth; right unless a test changes it. */
async function derive(parent: string, depth: number, changed: Partial<Derivation> = {}, nowS = ISSUED + 60.5) {
  const right = { issuer: CHAIN_ISSUER, to: holderKey(depth).publicKey, capabilities: capabilitiesOf(TOOLS) }
  const derivation = { ...right, statement: await statementOn(depth), ...changed }
  return deriveGrant(holderKey(depth - 1), parent, derivation, nowS)
}

async function chainTo(depth: number): Promise<string> {
  let chain = await root()
  for (let at = 1; at <= depth; at += 1) chain = await derive(chain, at)
  return chain
}

const verify = (text: string) => verifyGrantChain(text, { issuer: CHAIN_ISSUER, keys: countingKeys() })
const refusedWith = (reason: GrantReason, hop?: number) =>
  expect.objectContaining({ refusal: expect.objectContaining({ reason, ...(hop !== undefined && { hop }) }) })

describe('deriveGrant', () => {
  it.each([1, 2, 3, 8])('derives a chain of depth %i that verifies', async (depth) => {
    const verified = await verify(await chainTo(depth))
    expect(verified.ok && verified.chain.hops.map(({ did }) => did)).toEqual(
      Array.from({ length: depth + 1 }, (_, at) => holderDid(holderKey(at))),
    )
  })

  it('makes the grant as long and as wide as the parent allows, unless told otherwise', async () => {
    const verified = await verify(await derive(await root(), 1))
    expect(verified.ok && verified.chain.hops[1]).toMatchObject({
      iat: ISSUED + 60,
      exp: ISSUED + 3600,
      maxDepth: 8,
      allowedDomains: ['acme.test', 'b.test'],
    })
  })

  it('narrows the grant as the options say', async () => {
    const capabilities = capabilitiesOf({ [PAY]: { amount: { constraint_type: 'exact', value: 5 } } })
    const narrow = { capabilities, expires: ISSUED + 100, maxDepth: 1, allowedDomains: ['b.test'] }
    const verified = await verify(await derive(await root(), 1, narrow))
    expect(verified.ok && verified.chain.hops[1]).toMatchObject({
      exp: ISSUED + 100,
      maxDepth: 1,
      allowedDomains: ['b.test'],
      capabilities,
    })
  })

  it('does not outlive the statement', async () => {
    const statement = await signHolderStatement(GRANT_KEY, { ...about(holderKey(1)), exp: ISSUED + 99 })
    const verified = await verify(await derive(await root(), 1, { statement }))
    expect(verified.ok && verified.chain.hops[1]).toMatchObject({ exp: ISSUED + 99 })
  })

  it('issues no grant before its parent if the clock is late', async () => {
    const verified = await verify(await derive(await root(), 1, {}, ISSUED - 30))
    expect(verified.ok && verified.chain.hops[1]).toMatchObject({ iat: ISSUED })
  })

  it('leaves * open for an argument that the parent leaves open', async () => {
    const capabilities = capabilitiesOf({
      [READ]: { id: { constraint_type: 'wildcard' }, '*': { constraint_type: 'wildcard' } },
    })
    expect(await verify(await derive(await root(), 1, { capabilities }))).toMatchObject({ ok: true })
  })

  it.each<[string, GrantReason, Partial<Derivation>]>([
    ['a capability added', 'CAPABILITY_ADDED', { capabilities: capabilitiesOf({ 'acme.test#read': {} }) }],
    [
      'a constraint widened',
      'CONSTRAINT_WIDENED',
      { capabilities: capabilitiesOf({ [PAY]: { amount: { constraint_type: 'range', max: 501 } } }) },
    ],
    ['no capability', 'MALFORMED_GRANT', { capabilities: new Map() }],
    ['a domain added', 'HOLDERS_WIDENED', { allowedDomains: ['c.test'] }],
    ['a later expiry', 'LIFETIME_EXTENDED', { expires: ISSUED + 3601 }],
    ['an expiry that has passed', 'MALFORMED_GRANT', { expires: ISSUED + 60 }],
    ['an expiry that is not a number', 'MALFORMED_GRANT', { expires: Number.NaN }],
    ['a ceiling raised', 'MALFORMED_GRANT', { maxDepth: 9 }],
    ['a ceiling below the grant', 'DEPTH_EXCEEDED', { maxDepth: 0 }],
    ['the key of another holder', 'HOLDER_KEY_MISMATCH', { to: holderKey(2).publicKey }],
    ['another issuer', 'WRONG_ISSUER', { issuer: 'https://auth.example.org' }],
    ['a statement that is none', 'HOLDER_UNKNOWN', { statement: 'a.b.c' }],
  ])('throws for %s', async (_name, reason, changed) => {
    await expect(derive(await root(), 1, changed)).rejects.toEqual(refusedWith(reason))
  })

  it('throws for a signer who does not hold the last grant, and for a parent that has expired', async () => {
    const [chain, statement] = [await chainTo(1), await statementOn(2)]
    const derivation = {
      issuer: CHAIN_ISSUER,
      to: holderKey(2).publicKey,
      statement,
      capabilities: capabilitiesOf(TOOLS),
    }
    await expect(deriveGrant(holderKey(0), chain, derivation, ISSUED)).rejects.toEqual(refusedWith('NOT_BY_HOLDER', 2))
    await expect(derive(chain, 2, {}, ISSUED + 3600)).rejects.toEqual(refusedWith('MALFORMED_GRANT', 2))
  })

  it('throws for a chain whose holders have not signed it', async () => {
    const [first, second] = [await chainTo(1), await chainTo(1)]
    const spliced = [first.split('~')[0], second.split('~')[1]].join('~')
    await expect(derive(spliced, 2)).rejects.toEqual(refusedWith('PARENT_MISMATCH', 1))
  })

  it('throws for a map of arguments that is empty, because {} would allow every argument', async () => {
    const capabilities = new Map([[PAY, new Map()]])
    await expect(derive(await root(), 1, { capabilities })).rejects.toThrow(TypeError)
  })
})

describe('signRootGrant', () => {
  it.each<[string, GrantReason, Partial<RootGrant>]>([
    ['a lifetime of 3,601 seconds', 'LIFETIME_TOO_LONG', { exp: ISSUED + 3601 }],
    ['depth 9', 'MALFORMED_GRANT', { maxDepth: 9 }],
    ['no domain', 'MALFORMED_GRANT', { allowedDomains: [] }],
    ['a fraction of a second', 'MALFORMED_GRANT', { iat: ISSUED + 0.5 }],
    ['a key of small order', 'KEY_NOT_ADMITTED', { publicKey: new Uint8Array(32) }],
    ['a DID of another method', 'MALFORMED_GRANT', { did: 'did:web:acme.test' }],
  ])('throws for %s', async (_name, reason, changed) => {
    await expect(root(changed)).rejects.toEqual(refusedWith(reason, 0))
  })

  it('throws for a key that is no Ed25519 key', async () => {
    const { alg, sign } = p256Key('grants')
    const signer = { alg, publicKey: new Uint8Array(65).fill(4, 0, 1), sign }
    await expect(signHolderStatement(signer, about(holderKey(0)))).rejects.toThrow('an Ed25519 key')
  })
})

it('signHolderStatement throws for an epoch of 0', async () => {
  const refused = signHolderStatement(GRANT_KEY, about(holderKey(0), [0, 1]))
  await expect(refused).rejects.toEqual(refusedWith('HOLDER_UNKNOWN'))
})

/** Verifies a JWS with jose. Returns its claims. */
async function claimsOf(text: string, jwk: object, typ: string) {
  const { payload, protectedHeader } = await compactVerify(text, await importJWK({ ...jwk }, 'Ed25519'))
  expect(protectedHeader).toMatchObject({ alg: 'Ed25519', typ })
  return JSON.parse(Buffer.from(payload).toString())
}

it('jose verifies each grant and statement of a chain with the key of its signer', async () => {
  const grants = (await chainTo(3)).split('~')
  let signer: object = GRANT_KEY.jwk
  for (const [depth, grant] of grants.entries()) {
    const claims = await claimsOf(grant, signer, 'aat+jwt')
    expect(claims).toMatchObject({ del_depth: depth, cnf: { jwk: holderKey(depth).jwk } })
    if (depth > 0) {
      expect(claims).toMatchObject({
        par_hash: idOf(grants[depth - 1] ?? ''),
        iss: thumbprintUri(holderKey(depth - 1).kid),
      })
      const statement = await claimsOf(claims.a4a_holder, GRANT_KEY.jwk, 'auth4agent-holder+jwt')
      expect(statement).toMatchObject({ sub: holderDid(holderKey(depth)), cnf: { jkt: holderKey(depth).kid } })
    }
    signer = claims.cnf.jwk
  }
})

it('readUnverifiedChain reads a chain under every key of the issuer, but keeps all rules', async () => {
  const stranger = identityKey('a stranger')
  const byStranger = { signer: stranger, header: { kid: stranger.kid } }
  const forged = chainOf(1, { 0: byStranger, 1: { statement: byStranger } })
  expect(await verify(forged)).toMatchObject({ reason: 'UNKNOWN_KEY' })
  expect(await readUnverifiedChain(forged, CHAIN_ISSUER)).toMatchObject({ ok: true })
  const widened = chainOf(1, { 0: byStranger, 1: { claims: { exp: ISSUED + 3601 } } })
  expect(await readUnverifiedChain(widened, CHAIN_ISSUER)).toMatchObject({ reason: 'LIFETIME_EXTENDED', hop: 1 })
})
