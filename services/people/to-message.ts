import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { IdentityProvider } from '../../gen/prisma/client.ts'
import type { IdentityProviderSchema } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { readRequiredClaims } from './domain/required-claims.ts'

/** Returns an identity provider as a message, which never contains its secret. */
export function toProvider(row: IdentityProvider): MessageInitShape<typeof IdentityProviderSchema> {
  const { id, name, issuer, clientId, authMethod, scopes, subjectClaim, groupsClaim, signals } = row
  const requiredClaims = readRequiredClaims(row.requiredClaims)
  return {
    id,
    name,
    issuer,
    clientId,
    tokenEndpointAuthMethod: authMethod,
    scopes,
    subjectClaim,
    requiredClaims: requiredClaims.map(({ name: claim, value }) => ({ name: claim, value })),
    allUsers: requiredClaims.length === 0,
    groupsClaim,
    signals,
    createdAt: timestampFromDate(row.createdAt),
    updatedAt: timestampFromDate(row.updatedAt),
  }
}
