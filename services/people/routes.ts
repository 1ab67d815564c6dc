import type { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { demandUnused } from '../ledger/ledger.ts'
import type { ClientDocuments } from './clients/documents.ts'
import { clientRoutes } from './clients/routes.ts'
import type { PeopleOptions } from './config.ts'
import { consentRoutes } from './consents/routes.ts'
import { readNewProvider } from './domain/read-new-provider.ts'
import { discoverProvider } from './providers/discover.ts'
import { isStored, listProviders, type ProviderStore, putProvider, removeProvider } from './store/providers.ts'
import { toProvider } from './to-message.ts'
import { userRoutes } from './users/routes.ts'

/** Creates the handlers of PeopleService. */
export function peopleRoutes(options: PeopleOptions, documents: ClientDocuments): Handlers<typeof PeopleService> {
  const { db, readDb, now, issuer: ourIssuer, vault, testDomains } = options
  const store: ProviderStore = { prisma: db.prisma, vault, now }
  const toMessage = (row: Parameters<typeof toProvider>[1]) => toProvider(ourIssuer, row)
  return {
    async putIdentityProvider(request, call) {
      const wanted = readNewProvider(request, { ourIssuer, testDomains })
      // A copied request must not make this server fetch anything.
      await demandUnused(db.prisma, call)
      const { id: operatorId } = request
      if (!(await isStored(store, operatorId, wanted))) await discoverProvider(options, { ...wanted, operatorId })
      return { provider: toMessage(await putProvider(store, call, request.id, wanted)) }
    },
    async listIdentityProviders({ id }) {
      return { providers: (await listProviders(readDb.prisma, id)).map(toMessage) }
    },
    async removeIdentityProvider({ id, name }, call) {
      return { provider: toMessage(await removeProvider(db.prisma, call, id, name)) }
    },
    ...userRoutes(options),
    ...clientRoutes(options, documents),
    ...consentRoutes(options),
  }
}
