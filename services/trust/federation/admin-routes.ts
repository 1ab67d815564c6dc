import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { TrustAnchor as AnchorRow, Subordinate as SubordinateRow } from '../../../gen/prisma/client.ts'
import type {
  FederationAdminService,
  IssuerCandidateSchema,
  SubordinateSchema,
  TrustAnchorSchema,
} from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import { checkReason } from '../../platform/requests/check-text.ts'
import type { TrustDeps } from '../config.ts'
import { toMessage } from '../issuers/to-message.ts'
import { putAnchor, removeAnchor } from './anchors/anchor-store.ts'
import { toAnchor } from './anchors/known-anchor.ts'
import { readAnchor, readKeys } from './anchors/read-anchor.ts'
import { listAnchors } from './chains/chain-store.ts'
import type { FindChain } from './chains/find-chain.ts'
import { type Candidate, createDiscover, listCandidates } from './discover-issuer.ts'
import { authorityId } from './domain/build-statements.ts'
import { findKeySource } from './domain/key-source.ts'
import { readSubordinate } from './subordinates/read-subordinate.ts'
import { listSubordinates, putSubordinate, removeSubordinate } from './subordinates/subordinate-store.ts'

/** Dependencies of the handlers of FederationAdminService. */
export interface FederationAdminDeps
  extends Pick<TrustDeps, 'db' | 'vault' | 'now' | 'issuer' | 'testDomains' | 'settings' | 'foreign' | 'log'> {
  readonly findChain: FindChain
}

/** Creates the handlers of FederationAdminService. */
export function federationAdminRoutes(deps: FederationAdminDeps): Handlers<typeof FederationAdminService> {
  const { db, now, issuer: ourIssuer, foreign } = deps
  const { prisma } = db
  const discover = createDiscover({ ...deps, prisma, skewMs: deps.settings.skewS * 1_000 })
  return {
    async putTrustAnchor(request, call) {
      const wanted = readAnchor(request, [ourIssuer, authorityId(ourIssuer)])
      const { anchor, disabledIssuers } = await putAnchor({ prisma, now }, call, wanted)
      foreign.wakeKeys()
      return { anchor: anchorMessage(anchor), disabledIssuers }
    },
    async listTrustAnchors() {
      return { anchors: (await listAnchors(prisma)).map(anchorMessage) }
    },
    async removeTrustAnchor({ entityId, reason }, call) {
      return removeAnchor({ prisma, now }, call, entityId, checkReason(reason))
    },
    async discoverIssuer({ issuer }, call) {
      const { candidate, admitted } = await discover(call, issuer)
      if (admitted === undefined) return { candidate: candidateMessage(candidate) }
      foreign.wakeKeys()
      return { candidate: candidateMessage(candidate), issuer: toMessage(admitted, undefined, candidate.row) }
    },
    async listIssuerCandidates() {
      return { candidates: (await listCandidates(prisma, now())).map(candidateMessage) }
    },
    async putSubordinate(request, call) {
      return {
        subordinate: subordinateMessage(await putSubordinate(prisma, call, readSubordinate(request, ourIssuer))),
      }
    },
    async listOwnSubordinates() {
      return { subordinates: (await listSubordinates(prisma)).map(subordinateMessage) }
    },
    async removeSubordinate({ entityId, reason }, call) {
      await removeSubordinate(prisma, call, entityId, checkReason(reason))
      return {}
    },
  }
}

function anchorMessage(row: AnchorRow): MessageInitShape<typeof TrustAnchorSchema> {
  const { entityId, position, autoAdmit, permittedNames, unpinnedKids, createdAt } = row
  return {
    entityId,
    position,
    autoAdmit,
    permittedNames,
    kids: [...toAnchor(row).keys.keys()],
    unpinnedKids,
    createdAt: timestampFromDate(createdAt),
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

function subordinateMessage(row: SubordinateRow): MessageInitShape<typeof SubordinateSchema> {
  const { entityId, entityTypes, jwks, metadataPolicy, constraints, createdAt } = row
  return {
    entityId,
    entityTypes,
    kids: [...readKeys(jwks).keys.keys()],
    metadataPolicy,
    constraints,
    createdAt: timestampFromDate(createdAt),
  }
}
