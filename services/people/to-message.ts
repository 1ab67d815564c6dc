import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { IdentityProvider, User } from '../../gen/prisma/client.ts'
import type { IdentityProviderSchema, UserSchema } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import { readRequiredClaims } from './domain/required-claims.ts'
import { describeSignals } from './signals/domain/signals.ts'

/** Returns an identity provider of a deployment as a message, which never contains its secret. */
export function toProvider(ourIssuer: string, row: IdentityProvider): MessageInitShape<typeof IdentityProviderSchema> {
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
    ...describeSignals(ourIssuer, row),
    createdAt: timestampFromDate(row.createdAt),
    updatedAt: timestampFromDate(row.updatedAt),
  }
}

/** Returns a user as a message. `nameOf` returns the name of a provider, or undefined if it is gone. */
export function toUser(
  row: User,
  nameOf: (providerId: string) => string | undefined,
): MessageInitShape<typeof UserSchema> {
  const { subject, status, providerId, tenant, sub, name, groups, disabledAt } = row
  return {
    subject,
    status,
    provider: (providerId === null ? undefined : nameOf(providerId)) ?? '',
    tenant,
    providerSubject: sub,
    name,
    groups,
    createdAt: timestampFromDate(row.createdAt),
    signedInAt: timestampFromDate(row.signedInAt),
    ...(disabledAt !== null && { disabledAt: timestampFromDate(disabledAt) }),
  }
}
