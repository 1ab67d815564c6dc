import type { PrismaClient } from '../../../gen/prisma/client.ts'

/** The active operator that a host lies under, and what it lets others ask for. */
export interface AudienceOwner {
  readonly operatorId: string
  readonly grants: readonly { readonly audience: string; readonly callers: readonly string[] }[]
}

interface Row {
  readonly id: string
  readonly audience: string | null
  readonly callers: string[] | null
}

/** Finds the active operator with the longest of these domains, with its grants, as of one moment. */
export async function findAudienceOwner(
  prisma: PrismaClient,
  domains: readonly string[],
): Promise<AudienceOwner | undefined> {
  const rows = await prisma.$queryRaw<Row[]>`
    SELECT o."id"::text, a."audience", a."callers"
    FROM (
      SELECT "id" FROM "operators" WHERE "domain" = ANY (${[...domains]}::text[]) AND "status" = 'active'
      ORDER BY length("domain") DESC LIMIT 1
    ) o
    LEFT JOIN "operator_audiences" a ON a."operator_id" = o."id"
    ORDER BY a."audience"`
  const [first] = rows
  if (first === undefined) return undefined
  const grants = rows.flatMap(({ audience, callers }) =>
    audience === null ? [] : [{ audience, callers: callers ?? [] }],
  )
  return { operatorId: first.id, grants }
}
