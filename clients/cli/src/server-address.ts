import { createTransport } from '@auth4agent/sdk'
import { usageError } from './cli-error.ts'
import { shown } from './hidden.ts'

/** An address of a server, without a slash at its end. Throws CliError for one that is neither https nor on loopback. */
export function checkServer(server: string): string {
  try {
    createTransport({ server })
  } catch {
    throw usageError(
      `${shown(server)} is no address of a server`,
      'It begins with https://, or with http:// on this machine.',
    )
  }
  return server.replace(/\/+$/, '')
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
