import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Connection } from '../../../gen/prisma/client.ts'
import type { ConnectionSchema, ConsentSchema, PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { PeopleOptions } from '../config.ts'
import { endConnectionForOperator } from '../connections/end-connection.ts'
import { type ConsentWithConnections, listConsents, withdrawConsent } from '../store/consents.ts'

type ConsentHandlers = Pick<Handlers<typeof PeopleService>, 'listConsents' | 'withdrawConsent' | 'endConnection'>

/** Creates the handlers for what users let clients do, and for who is connected because of it. */
export function consentRoutes({ db, readDb }: Pick<PeopleOptions, 'db' | 'readDb'>): ConsentHandlers {
  return {
    async listConsents({ id, ...wanted }) {
      const { rows, nextPageToken } = await listConsents(readDb.prisma, id, wanted)
      return { consents: rows.map(toConsent), nextPageToken }
    },
    async withdrawConsent({ id, consentId }, call) {
      return { consent: toConsent(await withdrawConsent(db.prisma, call, id, consentId)) }
    },
    async endConnection({ id, connectionId }, call) {
      return { connection: toConnection(await endConnectionForOperator(db.prisma, call, id, connectionId)) }
    },
  }
}

function toConsent({ connections, givenAt, ...row }: ConsentWithConnections): MessageInitShape<typeof ConsentSchema> {
  const { id, operatorId, subject, clientId, audience, ownerId, capabilities } = row
  const same = { id, operatorId, subject, clientId, audience, ownerId, capabilities }
  return { ...same, givenAt: timestampFromDate(givenAt), connections: connections.map(toConnection) }
}

function toConnection(row: Connection): MessageInitShape<typeof ConnectionSchema> {
  const { id, scopes, createdAt, usedAt, expiresAt } = row
  return {
    id,
    scopes,
    createdAt: timestampFromDate(createdAt),
    usedAt: timestampFromDate(usedAt),
    expiresAt: timestampFromDate(expiresAt),
  }
}
