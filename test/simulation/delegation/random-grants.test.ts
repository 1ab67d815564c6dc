import { thumbprintUri } from '@auth4agent/core/delegation/check-derivation'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { verifyGrantChain } from '../../../services/revocation/verify-grant-chain.ts'
import {
  CHAIN_ISSUER,
  countingKeys,
  derivedGrant,
  holderDid,
  holderStatement,
  ISSUED,
  idOf,
  rootGrant,
} from '../../support/grant-chains.ts'
import { identityKey } from '../../support/key-events.ts'

const DOMAINS = ['a.test', 'b.test', 'c.test']
const KEYS = ['a', 'b', 'c'].map((name) => identityKey(`random grants ${name}`))
const RULES = { issuer: CHAIN_ISSUER, keys: countingKeys() }
const RUNS = 500

/** A value that is usually right; seldom one of the others. */
const usually = <T>(right: T, ...others: readonly T[]) =>
  fc.oneof({ arbitrary: fc.constant(right), weight: 12 }, { arbitrary: fc.constantFrom(right, ...others), weight: 1 })
/** How one grant of a chain is made. Times are in seconds after the root. */
const grant = fc.record({
  holder: fc.nat({ max: 2 }),
  wrongSigner: usually(0, 1, 2),
  wrongStatement: usually(0, 1, 2),
  wrongParent: usually(false, true),
  depthError: usually(0, 1, -1),
  maxDepth: usually(8, 0, 1, 2, 3),
  iat: usually(0, -1, 1, 2),
  exp: usually(1_000, 999, 1_001, 4_000),
  statementExp: usually(1_000, 999, 1_001, 3_601),
  domain: usually(0, 1, 2),
  domains: usually<readonly string[] | undefined>(
    undefined,
    ...['a', 'ab', 'abc', 'bc'].map((set) => DOMAINS.filter((name) => set.includes(name.charAt(0)))),
  ),
  jti: usually('own', 'same'),
})
type Recipe = typeof grant extends fc.Arbitrary<infer T> ? T : never
const recipes = fc.array(grant, { minLength: 1, maxLength: 4 })

const keyOf = (at: number) => KEYS[at % KEYS.length] ?? identityKey('never')
const jtiOf = ({ jti }: Recipe, at: number) => (jti === 'same' ? 'same' : `jti-${at}`)
const isRoot = (at: number) => at === 0

function makeChain(made: readonly Recipe[]): string {
  const grants: string[] = []
  for (const [at, recipe] of made.entries()) {
    const { holder, iat, exp, maxDepth, domains } = recipe
    const common = {
      jti: jtiOf(recipe, at),
      iat: ISSUED + iat,
      exp: ISSUED + exp,
      del_depth: at + recipe.depthError,
      del_max_depth: maxDepth,
      cnf: { jwk: keyOf(holder).jwk },
      a4a_to: domains,
    }
    grants.push(
      isRoot(at) ? rootGrant({ claims: { ...common, a4a_to: domains ?? DOMAINS } }) : derive(grants, made, at, common),
    )
  }
  return grants.join('~')
}

function derive(grants: readonly string[], made: readonly Recipe[], at: number, common: object): string {
  const { holder, wrongSigner, wrongStatement, wrongParent, statementExp, domain } = made[at] ?? never()
  const signer = keyOf((made[at - 1] ?? never()).holder)
  const about = keyOf(holder + wrongStatement)
  const statement = holderStatement(about, {
    claims: { sub: holderDid(about, DOMAINS[domain]), exp: ISSUED + statementExp },
  })
  const links = {
    iss: thumbprintUri(signer.kid),
    par_hash: idOf(wrongParent ? rootGrant() : (grants.at(-1) ?? '')),
  }
  const by = keyOf((made[at - 1] ?? never()).holder + wrongSigner)
  return derivedGrant('', at, { claims: { ...common, ...links }, signer: by, statement })
}

/** Decides without the library: compares each grant with all grants above, not with its parent. */
function isRight(made: readonly Recipe[]): boolean {
  const jtis = made.map(jtiOf)
  return made.every((recipe, at) => {
    const { iat, exp, statementExp, depthError, maxDepth, domain, domains = DOMAINS } = recipe
    const isSound = depthError === 0 && at <= maxDepth && exp > iat && exp - iat <= 3600
    if (isRoot(at)) return isSound
    const isLinked = recipe.wrongSigner === 0 && recipe.wrongStatement === 0 && !recipe.wrongParent
    return (
      isSound &&
      isLinked &&
      exp <= statementExp &&
      statementExp <= 3600 &&
      made.slice(0, at).every((above, place) => {
        const allowed = above.domains ?? DOMAINS
        return (
          [exp <= above.exp, iat >= above.iat, at <= above.maxDepth, maxDepth <= above.maxDepth].every(Boolean) &&
          allowed.includes(DOMAINS[domain] ?? '') &&
          (recipe.domains === undefined || domains.every((name) => allowed.includes(name))) &&
          jtis[place] !== jtis[at]
        )
      })
    )
  })
}

function never(): never {
  throw new RangeError('A place must be in the chain')
}

it('verifyGrantChain accepts exactly the chains in which each grant narrows all grants above', async () => {
  const seen = { accepted: 0, refused: 0, deep: 0 }
  await fc.assert(
    fc.asyncProperty(recipes, async (made) => {
      const verified = await verifyGrantChain(makeChain(made), RULES)
      expect(verified.ok).toBe(isRight(made))
      if (verified.ok) seen.accepted += 1
      else seen.refused += 1
      if (verified.ok && made.length > 2) seen.deep += 1
    }),
    { numRuns: RUNS },
  )
  expect(Math.min(seen.accepted, seen.refused, seen.deep)).toBeGreaterThan(RUNS / 50)
})
