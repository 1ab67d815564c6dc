import { parseDid } from '@auth4agent/core/identity/did'
import { xmlText } from '../../../platform/layout/safe-text.ts'

/** Returns what is proven about a client: the host of its URL, or of an agent the domain of its operator. */
export function clientHost(clientId: string): string {
  return parseDid(clientId)?.domain ?? new URL(clientId).host
}

/** Returns the line that tells an agent from the others of its operator; nothing for other clients. */
export function agentLine(clientId: string): string {
  return parseDid(clientId) === undefined ? '' : `<p class="note">Its agent <code>${xmlText(clientId)}</code></p>\n`
}
