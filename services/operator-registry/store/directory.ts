import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { OWNER_STATUSES } from '../domain/decide-confirm.ts'
import type { AudienceRule } from '../domain/parse-policy.ts'

/** The operator that owns a host, and its rules for audiences. */
export interface AudienceOwner {
  readonly operatorId: string
  readonly rules: readonly AudienceRule[]
}

interface Row {
  readonly id: string
  readonly audience: string | null
  readonly callers: string[] | null
  readonly alg: string | null
  readonly dpop: string | null
}

/**
 * Finds the operator that owns the longest of these domains, with its rules for audiences, in one statement. A lapsed
 * or suspended operator is still the owner, so the owner of the parent domain does not get its audiences.
 */
export async function findAudienceOwner(
  prisma: PrismaClient,
  domains: readonly string[],
): Promise<AudienceOwner | undefined> {
  const rows = await prisma.$queryRaw<Row[]>`
    SELECT o."id"::text, a."audience", a."callers", a."token_signing_alg" AS "alg", a."dpop"
    FROM (
      SELECT "id" FROM "operators"
      WHERE "domain" = ANY (${[...domains]}::text[]) AND "status" = ANY (${[...OWNER_STATUSES]}::operator_status[])
      ORDER BY length("domain") DESC LIMIT 1
    ) o
    LEFT JOIN "operator_audiences" a ON a."operator_id" = o."id"
    ORDER BY a."audience"`
  const [first] = rows
  if (first === undefined) return undefined
  const rules = rows.flatMap(({ audience, callers, alg, dpop }) =>
    audience === null ? [] : [{ audience, callers: callers ?? [], tokenSigningAlg: alg ?? '', dpop: dpop ?? '' }],
  )
  return { operatorId: first.id, rules }
}
