import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Connection } from '../../../gen/prisma/client.ts'
import type { ConnectionSchema, ConsentSchema } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { redirectHostOf } from '../clients/domain/redirect-uri.ts'
import { describeClientId } from '../clients/domain/registered-client.ts'
import type { ConsentWithConnections } from '../store/consents.ts'

/** Returns a consent as a message. */
export function toConsent({
  connections,
  givenAt,
  ...row
}: ConsentWithConnections): MessageInitShape<typeof ConsentSchema> {
  const { id, operatorId, subject, clientId, audience, ownerId, capabilities } = row
  const same = { id, operatorId, subject, clientId, audience, ownerId, capabilities, ...claimsOf(clientId) }
  return { ...same, givenAt: timestampFromDate(givenAt), connections: connections.map(toConnection) }
}

/** What a registered client says about itself stands in its client id, which is no name for people. */
function claimsOf(clientId: string) {
  const registration = describeClientId(clientId)
  if (registration === undefined) return {}
  const hosts = registration.redirectUris.map((uri) => redirectHostOf(uri) ?? '')
  return { clientName: registration.name, redirectHosts: [...new Set(hosts)] }
}

/** Returns a connection as a message, without anything of its refresh token. */
export function toConnection(row: Connection): MessageInitShape<typeof ConnectionSchema> {
  const { id, scopes, createdAt, usedAt, expiresAt } = row
  return {
    id,
    scopes,
    createdAt: timestampFromDate(createdAt),
    usedAt: timestampFromDate(usedAt),
    expiresAt: timestampFromDate(expiresAt),
  }
}
