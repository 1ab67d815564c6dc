import { parseDid } from '@auth4agent/core/identity/did'
import type { MoveClaims } from '@auth4agent/core/key-events/event-claims'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { CliError, usageError } from './cli-error.ts'
import { shown } from './hidden.ts'
import { checkIssuer } from './operator-key.ts'
import { checkServer } from './server-address.ts'
import { transportTo } from './transport.ts'

/** The flag for the server to which an agent moves, the same in every command. */
export const toIssuerFlag = {
  'to-issuer': {
    kind: 'text',
    value: 'ISSUER',
    help: 'issuer of the server to which the agent moves, if it is another server',
  },
} as const

/** Returns the claims of an event that is a move, or undefined for any other text. */
export function readMove(event: string | undefined): MoveClaims | undefined {
  const parsed = parseKeyEvent(event ?? '')
  return parsed.ok && parsed.claims.type === 'move' ? parsed.claims : undefined
}

/** Returns a DID of the command line. Throws CliError for other text. */
export function checkDid(given: string, name: string): string {
  if (parseDid(given) === undefined)
    throw usageError(`${name} must be a DID, but it is ${shown(given)}`, '`auth4agent agent-key list` shows both DIDs.')
  return given
}

/** Returns a DID of a server's answer. Throws CliError for other text, because commands to paste contain it. */
export function answeredDid(given: string): string {
  if (parseDid(given) !== undefined) return given
  throw new CliError(`The server named the agent ${given}, which is no DID`, {
    reason: 'UNEXPECTED_ANSWER',
    exit: 'refused',
  })
}

/** The operator that is to admit an agent, on another server. */
interface Destination {
  readonly issuer: string
  readonly operatorId: string
  readonly domain: string
}

/**
 * Checks that an operator of another server owns a domain. A release to another server is final, so a mistake in the
 * address, the id or the domain would end the agent. Throws CliError, and rejects with the error of the server.
 */
export async function checkDestination(
  { issuer, operatorId, domain }: Destination,
  { fetch, signal }: { readonly fetch: typeof globalThis.fetch; readonly signal: AbortSignal },
): Promise<void> {
  const server = checkServer(issuer)
  await checkIssuer(server, issuer, { fetch, signal })
  const told = await transportTo(server, fetch)({ method: 'GET', path: `/v1/operators/${operatorId}`, signal })
  const { domain: owned } = Object(told)
  if (owned === domain) return
  throw new CliError(`On ${issuer} the operator ${operatorId} has the domain ${String(owned)}, not ${domain}`, {
    reason: 'DID_MISMATCH',
    exit: 'refused',
    hint: 'Ask the operator for its id and domain: `auth4agent operator status`',
  })
}
