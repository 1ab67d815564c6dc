import { createTransport } from '@auth4agent/sdk'
import { configurationError, usageError } from './cli-error.ts'
import { shown } from './hidden.ts'

const ADDRESSES = 'It begins with https://, or with http:// on this machine.'

/**
 * An address of a server, without a slash at its end. Throws CliError for one that is neither https nor on loopback, or that has more
 * than an origin and a path: a password in it would come up in messages, and a query would take in the paths of all calls.
 */
export function checkServer(server: string): string {
  if (!isServer(server)) throw usageError(notServer(server), ADDRESSES)
  return server.replace(/\/+$/, '')
}

/** As {@link checkServer}, of an address that a configuration in a folder has. */
export function checkConfigured(server: string, folder: string): string {
  if (isServer(server)) return server.replace(/\/+$/, '')
  throw configurationError(
    `${notServer(server)}, and the configuration in ${folder} names it`,
    `${ADDRESSES} \`auth4agent set-server --url URL\` changes it.`,
  )
}

/** What is said of an address that is none; nothing of one that has a password in it. */
export function notServer(server: string): string {
  const name = URL.canParse(server) && new URL(server).password !== '' ? 'what has a password in it' : shown(server)
  return `${name} is no address of a server`
}

/** Whether a text is an address that nobody else can listen in on, and nothing but one. */
export function isServer(server: string): boolean {
  try {
    createTransport({ server })
  } catch {
    return false
  }
  const { username, password } = new URL(server)
  return username === '' && password === '' && !/[?#]/.test(server)
}

/** An operator's domain as it is registered: trimmed, in lower case and A-labels, without what an address has around it. */
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
    throw usageError(`${shown(given)} is no domain`, 'For example: --domain example.com')
  return domain
}
