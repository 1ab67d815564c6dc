import type { FlagTable } from './flags.ts'

/** Flags that name another server than the configured one. */
export const serverFlags = {
  server: { kind: 'text', value: 'URL', help: 'another server than the configured one' },
  issuer: { kind: 'text', value: 'ISSUER', help: "the server's issuer, if it differs from its address" },
} as const satisfies FlagTable

/** Flags that name another operator than the one of operator.json. */
export const operatorFlags = {
  ...serverFlags,
  'operator-id': { kind: 'text', value: 'ID', help: 'another operator than the one of operator.json' },
  key: {
    kind: 'text',
    value: 'FILE',
    help: "file of the operator's private key, if it is not in the folder; - for standard input",
  },
} as const satisfies FlagTable

/** Flags for the administrator. --key is required, because no configuration names the administrator key. */
export const adminFlags = {
  ...serverFlags,
  key: {
    kind: 'text',
    value: 'FILE',
    help: 'file of the private administrator key, such as data/admin-key.pem; - for standard input',
    required: true,
  },
} as const satisfies FlagTable

/** Flag for the reason in the audit record. */
export const reasonFlag = {
  reason: { kind: 'text', value: 'TEXT', help: 'reason for the audit record; at most 500 characters' },
} as const satisfies FlagTable
