import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { until } from './until.ts'

/** Trust that ends in a test, and the claims of a token that was issued through it. */
export interface TestTrust {
  readonly edge: string
  readonly issuer: string
  /** Claims of a token of an agent of this deployment. */
  readonly claims: { readonly edges: readonly string[] }
  /** Claims of a token for a grant of the issuer, in its generation 1. */
  readonly chained: {
    readonly edges: readonly string[]
    readonly home: {
      readonly iss: string
      readonly jti: string
      readonly kids: readonly string[]
      readonly generation: number
      readonly epoch: readonly [number, number]
      readonly edge: string
    }
  }
}

/** Makes trust that no record names yet. */
export function newTrust(): TestTrust {
  const edge = randomUUID()
  const issuer = `https://${edge}.example`
  const edges = [randomUUID(), edge]
  return {
    edge,
    issuer,
    claims: { edges },
    chained: {
      edges,
      home: { iss: issuer, jti: 'j', kids: ['A'.repeat(43)], generation: 1, epoch: [1, 1], edge: randomUUID() },
    },
  }
}

/** What a record of each kind ends, with the verdict about tokens that were issued through the trust. */
export const TRUST_ENDS = [
  ['ISSUER_DISABLED', 'issuer'],
  ['TRUST_ENDED', 'edge'],
] as const

/** Writes a record that ends trust of generation 1, and waits until every log follower has acknowledged it. */
export async function endTrust(pool: pg.Pool, kind: 'issuer' | 'edge', trust: TestTrust): Promise<void> {
  const [subject, minimum] = kind === 'edge' ? [trust.edge, 0] : [trust.issuer, 2]
  await pool.query('SELECT append_revocation($1, NULL, $2, $3, tokens_have_expired())', [kind, subject, minimum])
  await until(
    () => pool.query('SELECT 1 FROM verifiers v, revocation_head h WHERE v.acknowledged < h.sequence'),
    ({ rowCount }) => rowCount === 0,
  )
}
