import type { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import type { PeopleOptions } from '../config.ts'
import { endConnection as endOne } from '../connections/end-connection.ts'
import { isSideOf, listConsents, withdrawConsent } from '../store/consents.ts'
import { toConnection, toConsent } from './to-message.ts'

type ConsentHandlers = Pick<Handlers<typeof PeopleService>, 'listConsents' | 'withdrawConsent' | 'endConnection'>

/** Creates the handlers for what users let clients do, and for who is connected because of it. */
export function consentRoutes({ db, readDb }: Pick<PeopleOptions, 'db' | 'readDb'>): ConsentHandlers {
  return {
    async listConsents({ id, ...wanted }) {
      const { rows, nextPageToken } = await listConsents(readDb.prisma, id, wanted)
      return { consents: rows.map(toConsent), nextPageToken }
    },
    async withdrawConsent({ id, consentId }, call) {
      return { consent: toConsent(await withdrawConsent(db.prisma, call, consentId, (row) => isSideOf(row, id))) }
    },
    async endConnection({ id, connectionId }, call) {
      return { connection: toConnection(await endOne(db.prisma, call, connectionId, (row) => isSideOf(row, id))) }
    },
  }
}
