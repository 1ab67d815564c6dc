import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyTrustStatement } from '../../../../services/trust/statements/domain/verify-statement.ts'
import { DRAFTS, goodClaims, NOW_S, newRoot, signClaims } from '../../../../test/support/trust/statements.ts'
import { signTrustStatement } from '../../../sdk/src/sign-statement.ts'
import { parseTrustStatement } from './parse-statement.ts'
import { draftClaims, parseTrustDraft } from './read-draft.ts'
import {
  type EdgeKind,
  MAX_GRANTED_SCOPES,
  MAX_STATEMENT_LIFETIME_S,
  STATEMENT_KINDS,
  type TrustDraft,
  type TrustGrant,
} from './statement.ts'

const root = newRoot()

const scope = fc.constantFrom('read', 'orders:read', 'a/b', 'toString', '!', '~'.repeat(128))
const scopes = fc
  .uniqueArray(fc.tuple(scope, fc.uniqueArray(scope, { minLength: 1, maxLength: 2 })), {
    minLength: 1,
    maxLength: 3,
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries))
const audience = fc.constantFrom('api.cargo.test', 'https://api.cargo.test', 'https://api.cargo.test/v1?a=b')
const grants: fc.Arbitrary<TrustGrant[]> = fc.uniqueArray(fc.record({ audience, scopes }), {
  minLength: 1,
  selector: (grant) => grant.audience,
})

const kinds = fc.constantFrom(...STATEMENT_KINDS)
const depth = fc.constantFrom(1 as const, 2 as const)
const visibility = fc.constantFrom('parties' as const, 'public' as const)

/** Any draft that keeps all rules. */
const draft: fc.Arbitrary<TrustDraft> = fc.tuple(kinds, depth, visibility, grants).map(draftOf)

function draftOf([kind, ownDepth, ownVisibility, ownGrants]: [EdgeKind, 1 | 2, 'parties' | 'public', TrustGrant[]]) {
  const drawn: TrustDraft = { ...DRAFTS[kind], visibility: ownVisibility }
  if (kind === 'accepts-members-of') return { ...drawn, depth: ownDepth, grants: ownGrants }
  return kind === 'member' || kind === 'blocks' ? drawn : { ...drawn, grants: ownGrants }
}

/** Values of all kinds, those that statements have among them. */
const value = fc.oneof(
  fc.constantFrom<unknown>('*', '', null, 0, -1, 1.5, NOW_S, [], {}, ['*'], true, '__proto__', 'chains-to', 'member'),
  fc.constantFrom(...Object.values(goodClaims())),
  fc.jsonValue({ maxDepth: 3 }),
)
const name = fc.oneof(
  fc.constantFrom(...Object.keys(goodClaims('accepts-members-of'))),
  fc.string({ maxLength: 8 }).filter((text) => text !== '__proto__'),
)

describe('trust statements at random', () => {
  it('parse what was signed', async () => {
    await fc.assert(
      fc.asyncProperty(draft, fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (content, version) => {
        const verified = verifyTrustStatement(await signTrustStatement(root, { ...content, version, nowS: NOW_S }))
        expect(verified).toMatchObject({ ok: true, statement: { ...content, version } })
        expect(parseTrustDraft(draftClaims(content))).toEqual({ ok: true, draft: content })
      }),
      { numRuns: 50 },
    )
  })

  it('are refused with a sentence or keep every bound, whatever members are replaced or added', async () => {
    await fc.assert(
      fc.asyncProperty(draft, fc.dictionary(name, value, { maxKeys: 3 }), async (content, changes) => {
        const claims = { ...goodClaims(), grants: undefined, ...draftClaims(content), ...changes }
        const parsed = parseTrustStatement(await signClaims(root, claims))
        if (!parsed.ok) {
          expect(parsed.text).toMatch(/^[\x20-\x7e]{10,}$/)
          return
        }
        const { statement } = parsed
        const given = statement.grants.flatMap((grant) => Object.values(grant.scopes).flat())
        expect(given.length).toBeLessThanOrEqual(MAX_GRANTED_SCOPES)
        expect(statement.exp - statement.iat).toBeLessThanOrEqual(MAX_STATEMENT_LIFETIME_S)
        expect(JSON.stringify(statement)).not.toContain('*')
        // Nothing of the payload was left out or read in another way.
        const { jti, version, iat, nbf, exp } = statement
        const read = { ...draftClaims(statement), jti, version, iat, nbf, exp }
        expect(read).toEqual(JSON.parse(JSON.stringify(claims)))
      }),
      { numRuns: 300 },
    )
  })

  it('are refused after any character of the text has changed', async () => {
    const text = await signTrustStatement(root, { ...DRAFTS['lets-call'], version: 1, nowS: NOW_S })
    const change = fc.tuple(fc.nat(text.length - 1), fc.string({ minLength: 0, maxLength: 1 }))
    fc.assert(
      fc.property(change, ([at, character]) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        return changed === text || !verifyTrustStatement(changed).ok
      }),
      { numRuns: 300 },
    )
  })

  it('never make the parsers throw, whatever the text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => !parseTrustStatement(text).ok))
    fc.assert(fc.property(fc.anything(), (anything) => !parseTrustDraft(anything).ok))
  })
})
