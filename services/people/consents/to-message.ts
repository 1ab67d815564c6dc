import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Connection } from '../../../gen/prisma/client.ts'
import type { ConnectionSchema, ConsentSchema } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { ConsentWithConnections } from '../store/consents.ts'

/** Returns a consent as a message. */
export function toConsent({
  connections,
  givenAt,
  ...row
}: ConsentWithConnections): MessageInitShape<typeof ConsentSchema> {
  const { id, operatorId, subject, clientId, audience, ownerId, capabilities } = row
  const same = { id, operatorId, subject, clientId, audience, ownerId, capabilities }
  return { ...same, givenAt: timestampFromDate(givenAt), connections: connections.map(toConnection) }
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
