import type { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { checkReason } from '../../platform/requests/check-text.ts'
import type { PeopleOptions } from '../config.ts'
import { listProviders } from '../store/providers.ts'
import { disableUser, enableUser, listUsers, removeUser } from '../store/users.ts'
import { toUser } from '../to-message.ts'
import { cutUserPage, parseUserPage } from './domain/parse-user-page.ts'

type UserCall = 'listUsers' | 'disableUser' | 'enableUser' | 'removeUser'

/** Creates the handlers of PeopleService about users. */
export function userRoutes({
  db,
  readDb,
  now,
}: Pick<PeopleOptions, 'db' | 'readDb' | 'now'>): Pick<Handlers<typeof PeopleService>, UserCall> {
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
