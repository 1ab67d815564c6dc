import type { PrismaClient, User } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { SealedToken } from './provider-tokens.ts'

/** What a sign-in stores about a user. */
export interface SignedIn extends Pick<User, 'operatorId' | 'subject' | 'tenant' | 'sub' | 'name' | 'groups'> {
  readonly providerId: string
  readonly providerEdge: string
  /** The refresh token of a provider that must be asked again. */
  readonly token: SealedToken | undefined
  /** When the server began to redeem the answer of the provider, as the database writes it. */
  readonly redeemedAt: string
}

/** Returns the time of the database, as it writes it. */
export async function readClock(prisma: PrismaClient): Promise<string> {
  const rows = await prisma.$queryRaw<{ now: string }[]>`SELECT clock_timestamp()::text AS now`
  return rows[0]?.now ?? ''
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
 * @throws ApiError USER_NOT_ALLOWED for a user that is disabled; SIGN_IN_FAILED for one that has been signed out since
 */
export async function storeSignIn(tx: Tx, user: SignedIn): Promise<User> {
  const { operatorId, subject, providerId, providerEdge, tenant, sub, name, groups, token, redeemedAt } = user
  // After a removal, or at another provider, clients may have refresh tokens from before. So the user consents again.
  await tx.$executeRaw`
    DELETE FROM consents c USING users u
    WHERE c.operator_id = ${operatorId}::uuid AND c.subject = ${subject} AND u.operator_id = c.operator_id
      AND u.subject = c.subject AND u.provider_id IS DISTINCT FROM ${providerId}::uuid`
  const count = await tx.$executeRaw`
    INSERT INTO users AS u (operator_id, subject, provider_id, provider_edge, tenant, sub, name, groups,
      provider_token, provider_token_key, checked_at)
    VALUES (${operatorId}::uuid, ${subject}, ${providerId}::uuid, ${providerEdge}::uuid, ${tenant}, ${sub}, ${name},
      ${groups}::text[], ${token?.wrapped ?? null}::bytea, ${token?.keyId ?? null}, ${redeemedAt}::timestamptz)
    ON CONFLICT (operator_id, subject) DO UPDATE SET provider_id = excluded.provider_id,
      provider_edge = excluded.provider_edge, tenant = excluded.tenant, sub = excluded.sub, name = excluded.name,
      provider_token = excluded.provider_token, provider_token_key = excluded.provider_token_key,
      checked_at = excluded.checked_at, asked_at = NULL,
      groups = excluded.groups, status = 'active', removed_at = NULL, signed_in_at = excluded.signed_in_at,
      created_at = CASE u.status WHEN 'removed' THEN excluded.created_at ELSE u.created_at END, version = u.version + 1,
      epoch = CASE WHEN u.groups <@ excluded.groups THEN u.epoch ELSE u.epoch + 1 END
    WHERE u.status <> 'disabled' AND (u.signed_out_at IS NULL OR u.signed_out_at < ${redeemedAt}::timestamptz)`
  if (count === 0) throw await refusalOf(tx, operatorId, subject)
  return tx.user.findUniqueOrThrow({ where: { operatorId_subject: { operatorId, subject } } })
}

async function refusalOf(tx: Tx, operatorId: string, subject: string): Promise<ApiError> {
  const user = await tx.user.findUnique({ where: { operatorId_subject: { operatorId, subject } } })
  return user?.status === 'disabled' ? new ApiError('USER_NOT_ALLOWED') : signedOutMeanwhile()
}

/** The provider may have vouched for the user before it ended the user. */
export function signedOutMeanwhile(): ApiError {
  return new ApiError(
    'SIGN_IN_FAILED',
    'The identity provider has ended the sessions while you signed in; sign in again',
  )
}
