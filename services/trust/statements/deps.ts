import type { TrustDeps, TrustOptions } from '../config.ts'

/** What the handlers for statements and proposals need. */
export interface StatementDeps
  extends Pick<TrustOptions, 'db' | 'readDb' | 'now' | 'issuer' | 'operators' | 'settings'> {
  readonly foreign: Pick<TrustDeps['foreign'], 'proveNow'>
}
