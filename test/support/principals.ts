import { EMPTY_BODY } from '../../services/calls/request-body.ts'
import type { AdminPrincipal, OperatorPrincipal, UsedAssertion } from '../../services/ledger/principal.ts'

/** The key that has signed the calls of these principals, and the calls. */
const SIGNED = {
  key: { kid: 'k'.repeat(43), label: 'laptop', isRoot: true, roles: [] },
  signed: { rpc: 'POST /v1/x', signatures: ['header.payload.signature'], body: EMPTY_BODY, isBodySecret: false },
} as const

/** Returns an operator that has signed its call with a root key. */
export function operatorPrincipal(operatorId: string, assertion: UsedAssertion): OperatorPrincipal {
  return { kind: 'operator', operatorId, assertion, ...SIGNED }
}

/** Returns the administrator. */
export function adminPrincipal(assertion: UsedAssertion): AdminPrincipal {
  return { kind: 'admin', assertion, ...SIGNED }
}
