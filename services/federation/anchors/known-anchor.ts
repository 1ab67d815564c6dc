import type { TrustAnchor as AnchorRow } from '../../../gen/prisma/client.ts'
import { nameFault } from '../domain/constraints.ts'
import { readEntityKeys } from '../domain/entity-keys.ts'
import type { TrustAnchor } from '../domain/verify-chain.ts'

/** Returns the anchor of a row, with its pinned keys. */
export function toAnchor({ entityId, jwks }: Pick<AnchorRow, 'entityId' | 'jwks'>): TrustAnchor {
  return { entityId, keys: readEntityKeys(JSON.parse(jwks)) ?? new Map() }
}

/** Tells whether an entity may have a chain to an anchor. */
export function permits({ permittedNames }: Pick<AnchorRow, 'permittedNames'>, entityId: string): boolean {
  const permitted = permittedNames.length === 0 ? undefined : permittedNames
  const constraints = { maxPathLength: undefined, permitted, excluded: [], allowedEntityTypes: undefined }
  return nameFault(constraints, entityId) === undefined
}
