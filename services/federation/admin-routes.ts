import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { TrustAnchor as AnchorRow, PrismaClient, Subordinate as SubordinateRow } from '../../gen/prisma/client.ts'
import type {
  FederationAdminService,
  SubordinateSchema,
  TrustAnchorSchema,
} from '../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { putAnchor, removeAnchor } from './anchors/anchor-store.ts'
import { toAnchor } from './anchors/known-anchor.ts'
import { readAnchor, readKeys } from './anchors/read-anchor.ts'
import { listAnchors } from './chains/chain-store.ts'
import { authorityId } from './domain/build-statements.ts'
import { readSubordinate } from './subordinates/read-subordinate.ts'
import { listSubordinates, putSubordinate, removeSubordinate } from './subordinates/subordinate-store.ts'

/** Dependencies of the handlers of FederationAdminService. */
export interface FederationAdminDeps {
  readonly prisma: PrismaClient
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly issuer: string
  /** Called when keys of issuers may have to be fetched again. */
  readonly wakeKeys: () => void
}

type AdminHandlers = Handlers<typeof FederationAdminService>

/** Creates the handlers of FederationAdminService that concern no issuer. */
export function federationAdminRoutes({
  prisma,
  now,
  issuer: ourIssuer,
  wakeKeys,
}: FederationAdminDeps): Omit<AdminHandlers, 'discoverIssuer' | 'listIssuerCandidates'> {
  return {
    async putTrustAnchor(request, call) {
      const wanted = readAnchor(request, [ourIssuer, authorityId(ourIssuer)])
      const { anchor, disabledIssuers } = await putAnchor({ prisma, now }, call, wanted)
      wakeKeys()
      return { anchor: anchorMessage(anchor), disabledIssuers }
    },
    async listTrustAnchors() {
      return { anchors: (await listAnchors(prisma)).map(anchorMessage) }
    },
    async removeTrustAnchor({ entityId, reason }, call) {
      return removeAnchor({ prisma, now }, call, entityId, checkReason(reason))
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
