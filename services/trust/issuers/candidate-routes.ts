import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type {
  FederationAdminService,
  IssuerCandidateSchema,
} from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { FindChain } from '../../federation/chains/find-chain.ts'
import { findKeySource } from '../../federation/domain/key-source.ts'
import type { TrustDeps } from '../config.ts'
import { type Candidate, createDiscover, listCandidates } from './discover-issuer.ts'
import { toMessage } from './to-message.ts'

/** Creates the handlers of FederationAdminService that look for issuers. */
export function candidateRoutes(
  deps: Pick<TrustDeps, 'db' | 'vault' | 'now' | 'issuer' | 'testDomains' | 'settings' | 'foreign' | 'log'> & {
    readonly findChain: FindChain
  },
): Pick<Handlers<typeof FederationAdminService>, 'discoverIssuer' | 'listIssuerCandidates'> {
  const { db, now, foreign } = deps
  const { prisma } = db
  const discover = createDiscover({ ...deps, prisma, skewMs: deps.settings.skewS * 1_000 })
  return {
    async discoverIssuer({ issuer }, call) {
      const { candidate, admitted } = await discover(call, issuer)
      if (admitted === undefined) return { candidate: candidateMessage(candidate) }
      foreign.wakeKeys()
      return { candidate: candidateMessage(candidate), issuer: toMessage(admitted, undefined, candidate.row) }
    },
    async listIssuerCandidates() {
      return { candidates: (await listCandidates(prisma, now())).map(candidateMessage) }
    },
  }
}

function candidateMessage({ row, chain }: Candidate): MessageInitShape<typeof IssuerCandidateSchema> {
  return {
    issuer: row.subject,
    anchor: row.anchorId,
    path: [...chain.path],
    keysFrom: findKeySource(chain)?.from ?? '',
    foundAt: timestampFromDate(row.foundAt),
    expiresAt: timestampFromDate(row.expiresAt),
  }
}
