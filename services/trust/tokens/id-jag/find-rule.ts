import type pg from 'pg'
import type { IdJag } from './domain/parse-id-jag.ts'

/** A rule of the administrator about a subject of an identity provider. */
export interface SubjectRule {
  /** The token names it, and ends with it. */
  readonly edgeId: string
  /** The user of this deployment. */
  readonly subject: string
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
}

/** Finds the only rule about a subject that counts for the agents of an operator. Reads the primary. */
export async function findRule(
  pool: pg.Pool,
  issuerId: string,
  { tenant, sub }: Pick<IdJag, 'tenant' | 'sub'>,
  operatorId: string,
): Promise<SubjectRule | undefined> {
  const { rows } = await pool.query<SubjectRule>({
    name: 'find-subject-rule',
    text: `SELECT edge_id AS "edgeId", subject, audiences, scopes FROM issuer_subjects
      WHERE issuer_id = $1 AND tenant = $2 AND sub = $3 AND operator_id = $4`,
    values: [issuerId, tenant, sub, operatorId],
  })
  return rows[0]
}
