import type { User } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** What a sign-in stores about a user. */
export interface SignedIn extends Pick<User, 'operatorId' | 'subject' | 'tenant' | 'sub' | 'name' | 'groups'> {
  readonly providerId: string
  readonly providerEdge: string
}

/**
 * Returns the edge of a provider of an active operator. It stays until the transaction ends, so no user is stored for
 * a provider that is gone.
 *
 * @throws ApiError PROVIDER_NOT_FOUND, OPERATOR_NOT_ACTIVE
 */
export async function holdProvider(tx: Tx, operatorId: string, providerId: string): Promise<string> {
  const rows = await tx.$queryRaw<{ edge: string; status: string }[]>`
    SELECT p.edge_id AS edge, o.status::text FROM identity_providers p JOIN operators o ON o.id = p.operator_id
    WHERE p.id = ${providerId}::uuid AND p.operator_id = ${operatorId}::uuid FOR SHARE OF p`
  const [row] = rows
  if (row === undefined) throw new ApiError('PROVIDER_NOT_FOUND')
  const { edge, status } = row
  if (status !== 'active') throw new ApiError('OPERATOR_NOT_ACTIVE', `The operator is ${status} but must be active`)
  return edge
}

/** Returns the groups that the rules of an operator name. Rules are bounded, so these are a few thousand at most. */
export async function namedGroups(tx: Tx, operatorId: string): Promise<ReadonlySet<string>> {
  const rows = await tx.$queryRaw<{ group: string }[]>`
    SELECT DISTINCT g.name AS "group" FROM operator_audiences a
      CROSS JOIN LATERAL jsonb_array_elements(a.users -> 'scopes') AS s(scope)
      CROSS JOIN LATERAL jsonb_array_elements_text(s.scope -> 'groups') AS g(name)
    WHERE a.operator_id = ${operatorId}::uuid`
  return new Set(rows.map(({ group }) => group))
}

/**
 * Stores a sign-in. A user that was removed is a new user, whose epoch is the raised one: earlier tokens stay ended.
 * A user that has left a group gets a higher epoch, because a token may have a scope that only the group may use.
 * A trigger refuses more users than an operator may have (TOO_MANY_USERS).
 *
 * @throws ApiError USER_NOT_ALLOWED for a user that is disabled
 */
export async function storeSignIn(tx: Tx, user: SignedIn): Promise<User> {
  const { operatorId, subject, providerId, providerEdge, tenant, sub, name, groups } = user
  // After a removal, or at another provider, clients may have refresh tokens from before. So the user consents again.
  await tx.$executeRaw`
    DELETE FROM consents c USING users u
    WHERE c.operator_id = ${operatorId}::uuid AND c.subject = ${subject} AND u.operator_id = c.operator_id
      AND u.subject = c.subject AND u.provider_id IS DISTINCT FROM ${providerId}::uuid`
  const count = await tx.$executeRaw`
    INSERT INTO users AS u (operator_id, subject, provider_id, provider_edge, tenant, sub, name, groups)
    VALUES (${operatorId}::uuid, ${subject}, ${providerId}::uuid, ${providerEdge}::uuid, ${tenant}, ${sub}, ${name},
      ${groups}::text[])
    ON CONFLICT (operator_id, subject) DO UPDATE SET provider_id = excluded.provider_id,
      provider_edge = excluded.provider_edge, tenant = excluded.tenant, sub = excluded.sub, name = excluded.name,
      groups = excluded.groups, status = 'active', removed_at = NULL, signed_in_at = excluded.signed_in_at,
      created_at = CASE u.status WHEN 'removed' THEN excluded.created_at ELSE u.created_at END, version = u.version + 1,
      epoch = CASE WHEN u.groups <@ excluded.groups THEN u.epoch ELSE u.epoch + 1 END
    WHERE u.status <> 'disabled'`
  if (count === 0) throw new ApiError('USER_NOT_ALLOWED')
  return tx.user.findUniqueOrThrow({ where: { operatorId_subject: { operatorId, subject } } })
}
