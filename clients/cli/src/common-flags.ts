import type { Flag, FlagTable } from './flags.ts'
import { shared } from './shared-flags.ts'

/**
 * Flags that stand in for what the context supplies. The help names them without explaining them, except where a
 * command replaces a definition by one of its own.
 */
export const suppliedFlags = {
  server: { kind: 'text', value: 'URL', help: 'another server than the one of the context' },
  issuer: { kind: 'text', value: 'ISSUER', help: "the server's issuer, if it differs from its address" },
  'operator-id': { kind: 'text', value: 'ID', help: 'another operator than the one of operator.json' },
  key: {
    kind: 'text',
    value: 'FILE',
    help: 'file of the private key that signs, in place of the key of the context; - for standard input',
  },
} as const satisfies FlagTable

const { server, issuer, key } = suppliedFlags

/** Tells whether a flag is one that the context supplies, with nothing more to say about it. */
export function isSupplied(name: string, flag: Flag): boolean {
  return Object.entries(suppliedFlags).some(([known, supplied]) => known === name && supplied === flag)
}

/** Flags that name another server. */
export const serverFlags = { server, issuer } as const

/** Flags that name another operator, or another key of it. */
export const operatorFlags = { ...suppliedFlags } as const

/** Flags for the administrator. */
export const adminFlags = { ...serverFlags, key } as const

/** Flags that name another key of the agent. */
export const agentKeyFlag = { key } as const

/** Flag for the reason in the audit record. */
export const reasonFlag = {
  reason: { ...shared.reason, more: 'for the audit record; at most 500 characters' },
} as const satisfies FlagTable
