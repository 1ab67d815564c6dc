import { verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { isRegisteredClient, isUrlClient } from '@auth4agent/core/identity/client-id'
import type { Call } from '../../calls/call.ts'
import { endConnectionOfClient, findConnectionIn, type KnownConsent, readConnection } from '../../people/index.ts'
import type { AuthnDeps } from '../config.ts'
import type { ClientAuthentication } from '../domain/oauth-request.ts'
import { principalOf } from './authenticate-actor.ts'
import { authenticateProgram, type ProgramDeps } from './authenticate-program.ts'
import { useAssertion } from './issue-statement.ts'

/** The dependencies of endOwnConnection. */
export type EndOwnDeps = ProgramDeps & FindDeps

type FindDeps = Pick<AuthnDeps, 'db' | 'issuer' | 'verificationKeys' | 'userGrants'>

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
  const known = await findOwn(deps, client.clientId, text)
  if (known === undefined) return
  const assertion = await authenticateProgram(deps, client, known, call)
  await useAssertion(deps.db.pool, assertion)
  await end(deps, known, call)
}

/**
 * Ends a connection of an agent that has proved itself, as endOwnConnection does.
 *
 * @returns whether the text is of a connection of the agent
 */
export async function endConnectionOfAgent(deps: FindDeps, did: string, text: string, call: Call): Promise<boolean> {
  const known = await findOwn(deps, did, text)
  if (known !== undefined) await end(deps, known, call)
  return known !== undefined
}

/** Finds the connection of a text, if it is one of this client. */
async function findOwn(deps: FindDeps, clientId: string, text: string) {
  const id = await connectionOf(deps, text)
  const known = id === undefined ? undefined : await readConnection(deps.db.pool, id)
  return id === undefined || known?.clientId !== clientId ? undefined : { ...known, id }
}

async function end({ db }: FindDeps, known: KnownConsent & { readonly id: string }, call: Call): Promise<void> {
  const { id, clientId } = known
  await endConnectionOfClient(db.prisma, { ...call, principal: principalOf(known) }, { id, clientId })
}

async function connectionOf(
  { db, issuer, verificationKeys, userGrants }: FindDeps,
  text: string,
): Promise<string | undefined> {
  const refresh = await userGrants.openRefreshToken(text)
  if (refresh !== undefined) return refresh.connection
  const genuine = await verifyDelegatedToken(text, issuer, verificationKeys, 'including-retired')
  if ('verdict' in genuine || genuine.claims.user === undefined) return undefined
  return findConnectionIn(db.pool, genuine.claims.edges ?? [])
}
