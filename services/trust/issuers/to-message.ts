import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { IssuerDomain, IssuerKey, TrustChain } from '../../../gen/prisma/client.ts'
import type { IssuerDomainSchema, IssuerKeySchema, IssuerSchema } from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import type { IssuerRow } from './store.ts'

/**
 * Converts an issuer to its message, which never contains its secret. `revocationsAsOf` is in Unix milliseconds, and
 * `chain` is its trust chain, if it has an anchor.
 */
export function toMessage(
  row: IssuerRow,
  revocationsAsOf: number | undefined,
  chain?: Pick<TrustChain, 'anchorId' | 'expiresAt' | 'problem'> | null,
): MessageInitShape<typeof IssuerSchema> {
  const { id, issuer, kind, status, algorithms, tokenType, jwksUri, revocationMode, generation } = row
  return {
    id,
    issuer,
    kind,
    status,
    algorithms,
    tokenType,
    jwksUri,
    revocationMode,
    generation,
    actsAs: row.actsAs ?? '',
    introspectionUri: row.introspectionUri ?? '',
    statusListUri: row.statusListUri ?? '',
    maxTokenTtl: row.maxTokenTtl,
    maxStalenessMs: row.maxStalenessMs,
    domains: row.domains.map(domainMessage),
    keys: row.keys.map((key) => keyMessage(key, row.endedKeys)),
    createdAt: timestampFromDate(row.createdAt),
    ...(row.acceptedFrom !== null && { acceptedFrom: timestampFromDate(row.acceptedFrom) }),
    ...(row.keysAsOf !== null && { keysAsOf: timestampFromDate(row.keysAsOf) }),
    ...(revocationsAsOf !== undefined && { revocationsAsOf: timestampFromMs(revocationsAsOf) }),
    problem: problemOf(row, chain?.problem ?? ''),
    anchor: row.anchor ?? '',
    ...(chain && chain.anchorId === row.anchor && { chainExpiresAt: timestampFromDate(chain.expiresAt) }),
  }
}

function problemOf({ keysProblem, statementsProblem }: IssuerRow, chainProblem: string): string {
  const problems = Object.entries({ chain: chainProblem, keys: keysProblem, statements: statementsProblem })
  return problems.flatMap(([what, problem]) => (problem === '' ? [] : [`${what}: ${problem}`])).join('; ')
}

function domainMessage(row: IssuerDomain): MessageInitShape<typeof IssuerDomainSchema> {
  const { domain, operatorId, provenAt } = row
  if (provenAt === null) return { domain, operatorId, by: 'administrator' }
  return { domain, operatorId, by: 'dns', provenAt: timestampFromDate(provenAt) }
}

function keyMessage(row: IssuerKey, ended: IssuerRow['endedKeys']): MessageInitShape<typeof IssuerKeySchema> {
  const { kid, alg, firstSeenAt } = row
  const state = ended.some((each) => each.kid === kid) ? 'ended' : keyState(row)
  return { kid, alg, state, firstSeenAt: timestampFromDate(firstSeenAt) }
}

/** Returns the state of a key. Only a published key verifies. */
function keyState({ absentSince, withdrawnAt }: IssuerKey): 'published' | 'absent' | 'withdrawn' {
  if (withdrawnAt !== null) return 'withdrawn'
  return absentSince === null ? 'published' : 'absent'
}
