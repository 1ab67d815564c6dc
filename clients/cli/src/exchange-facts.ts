import type { AuditRecord } from '@auth4agent/sdk'

/**
 * Returns what the record of an exchange says: who acted for whom, and with what. Each fact is a name and its values,
 * such as `actor did:agent:…` or `scope ["read"]`. Returns undefined for other records.
 */
export function exchangeFacts({ action, outcome, reason }: AuditRecord): readonly string[] | undefined {
  return action === 'token.exchange' && outcome === 'done' ? (reason ?? '').split('; ') : undefined
}
