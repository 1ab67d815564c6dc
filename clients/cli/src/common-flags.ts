import type { FlagTable } from './flags.ts'

/** Which server, where it is not the configured one. */
export const serverFlags = {
  server: { kind: 'text', value: 'URL', help: 'another server than the configured one' },
  issuer: { kind: 'text', value: 'ISSUER', help: 'what the server calls itself, where that is not its address' },
} as const satisfies FlagTable

/** Which operator, where it is not the one of operator.json. */
export const operatorFlags = {
  ...serverFlags,
  'operator-id': { kind: 'text', value: 'ID', help: 'another operator than that of operator.json' },
  key: {
    kind: 'text',
    value: 'FILE',
    help: "the operator's private key, if not the configured one; - for standard input",
  },
} as const satisfies FlagTable

/** The administrator's key, which no configuration names. */
export const adminFlags = {
  ...serverFlags,
  key: {
    kind: 'text',
    value: 'FILE',
    help: "the administrator's private key, as data/admin-key.pem; - for standard input",
    required: true,
  },
} as const satisfies FlagTable

/** Why, for the audit. */
export const reasonFlag = {
  reason: { kind: 'text', value: 'TEXT', help: 'why, for the audit; at most 500 characters' },
} as const satisfies FlagTable
