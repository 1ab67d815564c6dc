import { createTransport } from '@auth4agent/sdk'
import { configurationError, usageError } from './cli-error.ts'
import { shown } from './hidden.ts'

const ADDRESSES =
  'Use https://, or http:// on this machine, in lower case, without default port, user, query or fragment.'

/**
 * Returns the address of a server without a slash at its end. Throws CliError if the address is neither https nor on
 * loopback. Also throws if it has more than an origin and a path: messages would show a password in the address, and
 * the paths of calls would become part of a query.
 */
export function checkServer(server: string): string {
  if (!isServer(server)) throw usageError(notServer(server), ADDRESSES)
  return server.replace(/\/+$/, '')
}

/** Checks an address from a configuration as {@link checkServer} does. The error names the folder. */
export function checkConfigured(server: string, folder: string): string {
  if (isServer(server)) return server.replace(/\/+$/, '')
  throw configurationError(
    `${notServer(server)}; the configuration in ${folder} contains it`,
    `${ADDRESSES} \`auth4agent context set --server URL\` changes it.`,
  )
}

/** Returns a sentence that says that an address is not valid. It does not repeat an address with a password. */
export function notServer(server: string): string {
  const name = URL.canParse(server) && new URL(server).password !== '' ? 'A URL with a password' : shown(server)
  return `${name} is not a valid address of a server`
}

/**
 * Tells whether a text is a valid address of a server: https, or http on loopback, without user, query and fragment.
 */
export function isServer(server: string): boolean {
  try {
    createTransport({ server })
    return true
  } catch {
    return false
  }
}

/**
 * Returns a domain in the form in which it is registered: trimmed, in lower case and A-labels, without scheme and
 * final slashes. Throws CliError if it is not a domain.
 */
export function normalizeDomain(given: string): string {
  const host = given
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/+$/, '')
  const domain = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
  const isHost = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(
    domain,
  )
  if (!isHost || /[/?#@:]/.test(host))
    throw usageError(`${shown(given)} is not a domain`, 'For example: --domain example.com')
  return domain
}
