import { verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { isRegisteredClient, isUrlClient } from '@auth4agent/core/identity/client-id'
import type { Call } from '../../calls/call.ts'
import { endConnectionOfClient, findConnectionIn, readConnection } from '../../people/index.ts'
import type { AuthnDeps } from '../config.ts'
import type { ClientAuthentication } from '../domain/oauth-request.ts'
import { authenticateProgram, type ProgramDeps } from './authenticate-program.ts'
import { useAssertion } from './issue-statement.ts'

/** The dependencies of endOwnConnection. */
export type EndOwnDeps = ProgramDeps & Pick<AuthnDeps, 'db' | 'verificationKeys' | 'userGrants'>

/** Tells whether a request is of a client that is no agent. */
export function isOfProgram({ clientId }: ClientAuthentication): boolean {
  return isUrlClient(clientId) || isRegisteredClient(clientId)
}

/**
 * Ends the connection of a refresh token, or of an access token for a user, that a client has (RFC 7009). Everybody
 * can name the client, but only who has a text of this server can end something: the connection of this text. The text
 * may have expired. Does nothing for other texts and for those of other clients, without telling the difference.
 *
 * @throws ApiError as authenticateProgram does, ASSERTION_USED
 */
export async function endOwnConnection(
  deps: EndOwnDeps,
  client: ClientAuthentication,
  text: string,
  call: Call,
): Promise<void> {
  const { clientId } = client
  const id = await connectionOf(deps, text)
  const known = id === undefined ? undefined : await readConnection(deps.db.pool, id)
  if (id === undefined || known?.clientId !== clientId) return
  const assertion = await authenticateProgram(deps, client, known, call)
  await useAssertion(deps.db.pool, assertion)
  const author = { ...call, principal: { kind: 'client', clientId } } as const
  await endConnectionOfClient(deps.db.prisma, author, { id, clientId })
}

async function connectionOf(
  { db, issuer, verificationKeys, userGrants }: EndOwnDeps,
  text: string,
): Promise<string | undefined> {
  const refresh = await userGrants.openRefreshToken(text)
  if (refresh !== undefined) return refresh.connection
  const genuine = await verifyDelegatedToken(text, issuer, verificationKeys, 'including-retired')
  if ('verdict' in genuine || genuine.claims.user === undefined) return undefined
  return findConnectionIn(db.pool, genuine.claims.edges ?? [])
}
