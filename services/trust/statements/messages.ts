import type { EdgeKind, TrustGrant } from '@auth4agent/core/trust/statement'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { PrismaClient, TrustStatement } from '../../../gen/prisma/client.ts'
import type { TrustKind } from '../../../gen/prisma/enums.ts'
import type { TrustStatementSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { stateOf } from './domain/state-of.ts'

/** The names of the database by the kinds of statements. */
export const STORED_KINDS: Readonly<Record<EdgeKind, TrustKind>> = {
  'lets-call': 'lets_call',
  'accepts-members-of': 'accepts_members_of',
  member: 'member',
  blocks: 'blocks',
  'chains-to': 'chains_to',
}
/** The kinds of statements by the names of the database. */
const KINDS = new Map(Object.entries(STORED_KINDS).map(([kind, stored]) => [stored, kind]))

type Message = MessageInitShape<typeof TrustStatementSchema>

/** Returns rows as messages of the contract. */
export async function toMessages(
  prisma: Pick<PrismaClient, 'issuer'>,
  rows: readonly TrustStatement[],
  { issuer, now }: { readonly issuer: string; readonly now: Date },
): Promise<Message[]> {
  const homes = [...new Set(rows.map(({ subjectHome }) => subjectHome))]
  const enabled = await prisma.issuer.findMany({
    where: { issuer: { in: homes }, status: 'enabled' },
    select: { issuer: true },
  })
  const admitted = new Set([issuer, ...enabled.map((row) => row.issuer)])
  // The subject of chains-to receives tokens of this deployment, which needs no admission here.
  return rows.map((row) => toMessage(row, now, row.kind === 'chains_to' || admitted.has(row.subjectHome)))
}

function toMessage(row: TrustStatement, now: Date, isAdmitted: boolean): Message {
  const { jti, edgeId, kind, depth, aud, isPublic, version, issuedAt, notBefore, expiresAt, statement } = row
  const endedAt = row.endedAt ?? row.replacedAt
  return {
    jti,
    edgeId,
    kind: KINDS.get(kind) ?? kind,
    signer: { operatorId: row.signerId, domain: row.domain, home: row.home },
    subject: {
      operatorId: kind === 'chains_to' ? '' : row.subjectId,
      domain: row.subjectDomain,
      home: row.subjectHome,
    },
    depth,
    grants: grantsOf(row).map(({ audience, scopes }) => ({
      audience,
      scopes: Object.entries(scopes).map(([scope, values]) => ({ scope, values: [...values] })),
    })),
    aud,
    visibility: isPublic ? 'public' : 'parties',
    version,
    state: stateOf(row, now, isAdmitted),
    issuedAt: timestampFromDate(issuedAt),
    notBefore: timestampFromDate(notBefore),
    expiresAt: timestampFromDate(expiresAt),
    ...(endedAt !== null && { endedAt: timestampFromDate(endedAt) }),
    statement,
  }
}

/** Returns the grants of a row. Only the strict parser of statements has written them. */
export function grantsOf({ grants }: Pick<TrustStatement, 'grants'>): readonly TrustGrant[] {
  return JSON.parse(JSON.stringify(grants))
}
