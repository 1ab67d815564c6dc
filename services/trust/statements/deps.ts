import type { TrustOptions } from '../config.ts'

/** What the handlers for statements and proposals need. */
export type StatementDeps = Pick<TrustOptions, 'db' | 'readDb' | 'now' | 'issuer' | 'operators' | 'settings'>
