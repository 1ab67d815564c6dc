import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Client } from '../../../gen/prisma/client.ts'
import type { ClientSchema, PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { demandUnused } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { PeopleOptions } from '../config.ts'
import { allowClient, blockClient, isAllowed, listClients } from '../store/clients.ts'
import type { ClientDocuments } from './documents.ts'
import { clientKindOf, demandClientKind } from './domain/client-id.ts'

type ClientHandlers = Pick<Handlers<typeof PeopleService>, 'listClients' | 'putClient' | 'blockClient'>

/** Creates the handlers for the clients of operators. */
export function clientRoutes(
  { db, readDb, now }: Pick<PeopleOptions, 'db' | 'readDb' | 'now'>,
  documents: Pick<ClientDocuments, 'fetch'>,
): ClientHandlers {
  const store = { prisma: db.prisma, now }
  /** Returns the name that the client has for people. */
  const readName = async (operatorId: string, clientId: string): Promise<string> => {
    if (demandClientKind(clientId) === 'agent' || (await isAllowed(db.prisma, { operatorId, clientId }))) return ''
    // Its callers are counted together, because an operator can send from many addresses.
    return (await documents.fetch(clientId, operatorId)).name
  }
  return {
    async listClients({ id, ...page }) {
      const { clients, nextPageToken } = await listClients(readDb.prisma, id, page)
      return { clients: clients.map(toClient), nextPageToken }
    },
    async putClient({ id, clientId }, call) {
      demandClientKind(clientId)
      // A copied request must not make this server fetch anything.
      await demandUnused(db.prisma, call)
      const name = await readName(id, clientId)
      return { client: toClient(await allowClient(store, call, { operatorId: id, clientId }, name)) }
    },
    async blockClient({ id, clientId }, call) {
      demandClientKind(clientId)
      return { client: toClient(await blockClient(store, call, { operatorId: id, clientId })) }
    },
  }
}

function toClient({ clientId, status, name, putAt }: Client): MessageInitShape<typeof ClientSchema> {
  const kind = clientKindOf(clientId)
  if (kind === undefined) throw new ApiError('INTERNAL', 'The id of a client cannot be read')
  return { clientId, kind, status, name, putAt: timestampFromDate(putAt) }
}
