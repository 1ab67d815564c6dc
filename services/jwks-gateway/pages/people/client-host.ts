import { isRegisteredClient } from '@auth4agent/core/identity/client-id'
import { parseDid } from '@auth4agent/core/identity/did'
import { xmlText } from '../../../platform/layout/safe-text.ts'

/**
 * Returns what is proven about a client: the host of its URL, or of an agent the domain of its operator. Of a client
 * that has registered itself only the places are known to which its answers go.
 *
 * @param redirectHosts these places, each as an origin
 */
export function clientHost(clientId: string, redirectHosts: readonly string[]): string {
  if (isRegisteredClient(clientId)) return placesOf(redirectHosts)
  return parseDid(clientId)?.domain ?? new URL(clientId).host
}

/** Returns the hosts without the scheme that all have, or words for the computer of the user. */
function placesOf(redirectHosts: readonly string[]): string {
  const places = redirectHosts.map((each) =>
    each.startsWith('https:') ? new URL(each).host : 'A program on your computer',
  )
  return [...new Set(places)].join(', ')
}

/** Returns the line that tells an agent from the others of its operator; nothing for other clients. */
export function agentLine(clientId: string): string {
  return parseDid(clientId) === undefined ? '' : `<p class="note">Its agent <code>${xmlText(clientId)}</code></p>\n`
}

/** Marks that a reader takes for the end of a quotation. */
const QUOTATION = /[\p{Pi}\p{Pf}"„‚〝〞〟＂]/gu

/**
 * Returns the line with the name that a client has given itself; nothing for one without a name. The name cannot end
 * its quotation, and go on as if the page said it.
 */
export function claim(name: string): string {
  if (name === '') return ''
  return `<p class="lead">It calls itself “<bdi>${xmlText(name.replaceAll(QUOTATION, "'"))}</bdi>”. Nobody has verified this name.</p>\n`
}
