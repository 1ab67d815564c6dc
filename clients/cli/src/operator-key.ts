import type { Operator } from '@auth4agent/sdk'
import { configurationError } from './cli-error.ts'
import type { serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { loadOwnKey, teamOptions } from './own-keys.ts'
import { makeOperator, requireOperator, serverOf } from './parties.ts'
import { transportTo } from './transport.ts'

/** The operator of a folder, with one of its keys and one server. */
export interface OperatorKey {
  /** Address of the server, without a slash at the end. */
  readonly server: string
  /** The server's issuer. */
  readonly issuer: string
  readonly domain: string
  readonly operator: Operator
}

/**
 * Loads the key of `operator.json` that --as chooses. Assertions are for the chosen address or the named issuer, never
 * for the issuer that a server reports: a dishonest server could report another server and use the assertion there.
 * Rejects with CliError if the reported issuer differs. An unregistered operator gets the id that registration will
 * give it.
 */
export async function loadOperatorKey(
  context: Pick<Context<typeof serverFlags>, 'flags' | 'folder' | 'as' | 'fetch' | 'now' | 'signal'>,
): Promise<OperatorKey> {
  const { folder, fetch, now } = context
  const config = await requireOperator(folder)
  const { signer: key } = await loadOwnKey(config, context)
  const { server, issuer = server } = serverOf(config, context)
  await checkIssuer(server, issuer, context)
  const { domain } = config
  const identity = { ...teamOptions(config), domain, operatorId: config.id || undefined }
  const operator = makeOperator({ ...identity, server, issuer, key, fetch, now })
  return { server, issuer, domain, operator }
}

/**
 * Checks the issuer that a server reports. Rejects with CliError if the server reports another issuer, because it
 * would refuse every assertion. Accepts a server that does not answer, because the server may answer later.
 */
export async function checkIssuer(
  server: string,
  issuer: string,
  { fetch, signal }: Pick<Context<typeof serverFlags>, 'fetch' | 'signal'>,
): Promise<void> {
  const call = transportTo(server, fetch)
  const found = await call({ method: 'GET', path: '/.well-known/auth4agent', signal }).catch(() => ({}))
  if (typeof found !== 'object' || found === null || !('issuer' in found) || found.issuer === issuer) return
  throw configurationError(
    `The issuer of the server at ${server} is ${JSON.stringify(found.issuer)}, but ${issuer} was expected`,
    'Use the issuer as the address (--server URL). If you know that this is your server, give its issuer: --issuer ISSUER.',
  )
}
