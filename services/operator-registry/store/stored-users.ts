import { fromJsonString } from '@bufbuild/protobuf'
import type { Prisma } from '../../../gen/prisma/client.ts'
import { UserAccessSchema } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { UserAccess } from '../domain/user-access.ts'

/** Returns the users of an audience as the database has them: the members of the contract, each written out. */
export function toStoredUsers({ domains, scopes, clients, maxDays, device }: UserAccess): Prisma.InputJsonObject {
  return {
    domains: [...domains],
    scopes: scopes.map(({ name, words, groups, isDefault }) => ({
      name,
      words,
      groups: [...groups],
      is_default: isDefault,
    })),
    clients,
    max_days: maxDays,
    // Processes of an earlier version know only rules without it.
    ...(device && { device }),
  }
}

/** Reads the users of an audience. Members of a newer version are left out. */
export function fromStoredUsers(stored: Prisma.JsonValue): UserAccess {
  const text = JSON.stringify(stored)
  const access = fromJsonString(UserAccessSchema, text, { ignoreUnknownFields: true })
  const { domains, scopes, clients, maxDays, device } = access
  const plain = scopes.map(({ name, words, groups, isDefault }) => ({ name, words, groups, isDefault }))
  return { domains, scopes: plain, clients, maxDays, device }
}
