import type { PeopleService } from '../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { demandUnused } from '../ledger/ledger.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import type { PeopleOptions } from './config.ts'
import { readNewProvider } from './domain/read-new-provider.ts'
import { discoverProvider } from './providers/discover.ts'
import { isStored, listProviders, type ProviderStore, putProvider, removeProvider } from './store/providers.ts'
import { disableUser, enableUser, listUsers, removeUser } from './store/users.ts'
import { toProvider, toUser } from './to-message.ts'
import { cutUserPage, parseUserPage } from './users/domain/parse-user-page.ts'

type Routes<K extends keyof Handlers<typeof PeopleService>> = Pick<Handlers<typeof PeopleService>, K>
type ProviderCall = 'putIdentityProvider' | 'listIdentityProviders' | 'removeIdentityProvider'
type UserCall = 'listUsers' | 'disableUser' | 'enableUser' | 'removeUser'

/** Creates the handlers of PeopleService. */
export function peopleRoutes(options: PeopleOptions): Handlers<typeof PeopleService> {
  return { ...providerRoutes(options), ...userRoutes(options) }
}

function providerRoutes(options: PeopleOptions): Routes<ProviderCall> {
  const { db, readDb, now, issuer: ourIssuer, vault, testDomains } = options
  const store: ProviderStore = { prisma: db.prisma, vault, now }
  return {
    async putIdentityProvider(request, call) {
      const wanted = readNewProvider(request, { ourIssuer, testDomains })
      // A copied request must not make this server fetch anything.
      await demandUnused(db.prisma, call)
      if (!(await isStored(store, request.id, wanted))) await discoverProvider(options, wanted)
      return { provider: toProvider(await putProvider(store, call, request.id, wanted)) }
    },
    async listIdentityProviders({ id }) {
      return { providers: (await listProviders(readDb.prisma, id)).map(toProvider) }
    },
    async removeIdentityProvider({ id, name }, call) {
      return { provider: toProvider(await removeProvider(db.prisma, call, id, name)) }
    },
  }
}

function userRoutes({ db, readDb, now }: PeopleOptions): Routes<UserCall> {
  const { prisma } = db
  return {
    async listUsers(request) {
      const { id } = request
      const wanted = parseUserPage(request)
      const rows = await listUsers(readDb.prisma, id, wanted)
      const nameOf = await providerNames(readDb.prisma, id)
      const { page, nextPageToken } = cutUserPage(rows, wanted.size)
      return { users: page.map((row) => toUser(row, nameOf)), nextPageToken }
    },
    async disableUser({ id: operatorId, subject, reason }, call) {
      const named = { operatorId, subject, reason: checkReason(reason) }
      const row = await disableUser(prisma, call, named, new Date(now()))
      return { user: toUser(row, await providerNames(prisma, operatorId)) }
    },
    async enableUser({ id: operatorId, subject, reason }, call) {
      const row = await enableUser(prisma, call, { operatorId, subject, reason: checkReason(reason) })
      return { user: toUser(row, await providerNames(prisma, operatorId)) }
    },
    async removeUser({ id: operatorId, subject }, call) {
      const row = await removeUser(prisma, call, { operatorId, subject, reason: '' })
      return { user: toUser(row, () => undefined) }
    },
  }
}

/** Reads the names of the operator's providers, of which there are at most 4. */
async function providerNames(prisma: PeopleOptions['db']['prisma'], operatorId: string) {
  const names = new Map((await listProviders(prisma, operatorId)).map(({ id, name }) => [id, name]))
  return (id: string) => names.get(id)
}
