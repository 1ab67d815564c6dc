import { describe, expect, it } from 'vitest'
import {
  CHAIN_ISSUER,
  countingKeys,
  GRANT_KEY,
  holderDid,
  holderKey,
  holderStatement,
  ISSUED,
  OPERATOR,
} from '../../../../test/support/grant-chains.ts'
import { verifyHolderStatement } from './holder-statement.ts'
import type { GrantReason } from './refusal.ts'

type Row = readonly [claims: Readonly<Record<string, unknown>>, reason?: GrantReason]

const KEY = holderKey(0)
const JKT = KEY.kid
const DID = holderDid(KEY)
const verify = (text: string, issuer = CHAIN_ISSUER) => verifyHolderStatement(text, { issuer, keys: countingKeys() })

/** Wrong claims of a statement with a valid signature; HOLDER_UNKNOWN unless a row says otherwise. */
const ROWS: readonly Row[] = [
  ...[undefined, null, '', CHAIN_ISSUER.toUpperCase(), [CHAIN_ISSUER]].map((iss): Row => [{ iss }, 'WRONG_ISSUER']),
  ...[undefined, null, '', 'acme.test', `${DID}#key`, [DID]].map((sub): Row => [{ sub }]),
  ...[undefined, null, '', OPERATOR.toUpperCase(), 1].map((id): Row => [{ operator_id: id }]),
  ...[undefined, null, [], [1], [0, 1], [1, 2, 3], ['1', 1], 1].map((epoch): Row => [{ epoch }]),
  ...[undefined, null, JKT, {}, { jkt: `${JKT}=` }, { jkt: JKT, jwk: KEY.jwk }, { jwk: KEY.jwk }, [JKT]].map(
    (cnf): Row => [{ cnf }],
  ),
  ...[undefined, null, 0, 1.5, `${ISSUED}`].flatMap((time): Row[] => [[{ iat: time }], [{ exp: time }]]),
  [{ exp: ISSUED }],
  [{ exp: ISSUED + 3601 }, 'LIFETIME_TOO_LONG'],
  [{ nbf: ISSUED }, 'RESTRICTION_UNKNOWN'],
  [{ a4a_to: ['acme.test'] }, 'RESTRICTION_UNKNOWN'],
]
const CASES = ROWS.map(([claims, reason = 'HOLDER_UNKNOWN']) => {
  const shown = Object.entries(claims).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return { shown: shown.join(), claims, reason }
})

describe('verifyHolderStatement', () => {
  it('returns what the issuer says', async () => {
    expect(await verify(holderStatement(KEY))).toMatchObject({
      ok: true,
      key: { kid: GRANT_KEY.kid },
      statement: { did: DID, operatorId: OPERATOR, epoch: [5, 2], jkt: JKT, iat: ISSUED, exp: ISSUED + 3600 },
    })
  })

  it('refuses the statement of another issuer whose key it knows', async () => {
    expect(await verify(holderStatement(KEY), 'https://auth.example.org')).toMatchObject({ reason: 'WRONG_ISSUER' })
  })

  it.each(CASES)('refuses $shown', async ({ claims, reason }) => {
    expect(await verify(holderStatement(KEY, { claims }))).toMatchObject({ ok: false, reason })
  })
})
