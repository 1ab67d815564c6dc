import type { MoveClaims } from '@auth4agent/core/key-events/event-claims'

/** Says in the audit where an agent goes. */
export function describeMove({ to, operatorId, issuer }: Pick<MoveClaims, 'to' | 'operatorId' | 'issuer'>): string {
  return `to ${to} of operator ${operatorId} at ${issuer}`
}
