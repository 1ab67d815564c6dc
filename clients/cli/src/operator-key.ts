import type { Operator } from '@auth4agent/sdk'
import { loadSigner } from '@auth4agent/sdk/node'
import { configurationError } from './cli-error.ts'
import type { serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { makeOperator, requireOperator, serverOf } from './parties.ts'
import { transportTo } from './transport.ts'

/** The operator of a folder, ready to sign for one server. */
export interface OperatorKey {
  /** Where the server is, without a slash at the end. */
  readonly server: string
  /** What the server calls itself. */
  readonly issuer: string
  readonly domain: string
  readonly operator: Operator
}

/**
 * Loads the key of `operator.json`. What it signs is for the address that was chosen, or for the issuer that was named, never for what
 * a server calls itself: it could name another one, and pass on there what was signed. Rejects with CliError where the two differ.
 * One that has not registered yet has the id that registering will give it.
 */
export async function loadOperatorKey(
  context: Pick<Context<typeof serverFlags>, 'flags' | 'folder' | 'fetch' | 'now' | 'signal'>,
): Promise<OperatorKey> {
  const { folder, fetch, now } = context
  const config = await requireOperator(folder)
  const key = await loadSigner(folder, config)
  const { server, issuer = server } = serverOf(config, context)
  await checkIssuer(server, issuer, context)
  const { domain } = config
  const operator = makeOperator({ server, issuer, key, domain, operatorId: config.id || undefined, fetch, now })
  return { server, issuer, domain, operator }
}

/**
 * A server that does not answer now may later; one that answers for another issuer would refuse all that is signed. Rejects with
 * CliError.
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
    `the server at ${server} calls itself ${JSON.stringify(found.issuer)}`,
    'Reach it under that name (--server URL), or, where you know that it is the same one, say so: --issuer ISSUER.',
  )
}
