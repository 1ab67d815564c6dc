import { describe, expect, it } from 'vitest'
import { DRAFTS, newRoot } from '../../../../test/support/trust/statements.ts'
import { signTrustStatement } from '../../../sdk/src/sign-statement.ts'
import { parseTrustStatement } from './parse-statement.ts'
import { draftClaims, parseTrustDraft } from './read-draft.ts'
import { MAX_DRAFT_BYTES, MAX_STATEMENT_BYTES, STATEMENT_KINDS, type TrustDraft } from './statement.ts'

/** A draft of `bytes` bytes as JSON, with the scopes and audiences that it may have. */
function draftOf(bytes: number): TrustDraft {
  const draft = DRAFTS['lets-call']
  const audiences = Array.from({ length: 8 }, (_, at) => `https://api.cargo.test/${at}/`)
  const grants = audiences.map((audience) => ({
    audience,
    scopes: { ['s'.repeat(128)]: ['t'.repeat(128), 'u'.repeat(128)] },
  }))
  const missing = bytes - JSON.stringify(draftClaims({ ...draft, grants })).length
  const long = grants.map(({ audience, scopes }, at) => ({
    audience: audience + 'a'.repeat(Math.floor(missing / 8) + (at < missing % 8 ? 1 : 0)),
    scopes,
  }))
  return { ...draft, grants: long }
}

describe('parseTrustDraft', () => {
  it.each(STATEMENT_KINDS)('reads what draftClaims writes of the kind %s', (kind) => {
    expect(parseTrustDraft(JSON.parse(JSON.stringify(draftClaims(DRAFTS[kind]))))).toEqual({
      ok: true,
      draft: DRAFTS[kind],
    })
  })

  it.each(['jti', 'version', 'iat', 'nbf', 'exp', 'note'])('refuses the member %s', (name) => {
    expect(parseTrustDraft({ ...draftClaims(DRAFTS.blocks), [name]: 1 })).toEqual({
      ok: false,
      rule: 'unknown',
      text: `"${name}" of the statement is not a member of a trust statement`,
    })
  })

  it.each([null, [], 'x', 1, undefined])('refuses %j', (value) => {
    expect(parseTrustDraft(value)).toMatchObject({ rule: 'object' })
  })

  it('accepts the largest draft, which can be signed with the largest numbers', async () => {
    const draft = draftOf(MAX_DRAFT_BYTES)
    expect(parseTrustDraft(draftClaims(draft))).toEqual({ ok: true, draft })
    const text = await signTrustStatement(newRoot(), {
      ...draft,
      version: 2 ** 31 - 1,
      nowS: 253_402_000_000,
      exp: 253_402_300_799,
    })
    expect(parseTrustStatement(text).ok).toBe(true)
    expect(text.length).toBeLessThanOrEqual(MAX_STATEMENT_BYTES)
  })

  it('refuses a draft that is a byte longer', () => {
    expect(parseTrustDraft(draftClaims(draftOf(MAX_DRAFT_BYTES + 1)))).toMatchObject({ rule: 'draft-size' })
  })
})
