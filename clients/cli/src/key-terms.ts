import { isKeyLabel } from '@auth4agent/core/identity/key-label'
import { isOperatorRole, OPERATOR_ROLES, type OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { usageError } from './cli-error.ts'
import type { FlagReader } from './flags.ts'
import { shown } from './hidden.ts'
import { ROOT } from './own-keys.ts'
import { shared } from './shared-flags.ts'
import { readFutureTime } from './times.ts'

/** The flags for the terms of an operational key. */
export const termFlags = {
  role: {
    ...shared.role,
    choices: OPERATOR_ROLES,
  },
  expires: shared.expires,
} as const

/** The flag for a new threshold. */
export const thresholdFlag = {
  threshold: { kind: 'text', value: 'NUMBER', help: 'how many root keys must approve root operations from now on' },
} as const

/** The lifetime of a key without --expires. */
const LIFETIME = '90d'
/** How far the start of a key lies in the past, because the clock of the server may be behind. */
const CLOCK_ALLOWANCE_S = 30

/** Reads roles, each of which may be several with commas. Repeated roles count once. */
export function readRoles(given: readonly string[]): readonly OperatorRole[] {
  return [...new Set(given.flatMap((text) => text.split(',')).map((text) => text.trim()))].filter(isOperatorRole)
}

/** Returns from when until when a key is valid, in Unix seconds. Throws CliError. */
export function readValidity(
  expires: string = LIFETIME,
  nowMs: number,
): { readonly nbf: number; readonly exp: number } {
  return { nbf: Math.floor(nowMs / 1000) - CLOCK_ALLOWANCE_S, exp: readFutureTime('--expires', expires, nowMs) }
}

/** Returns a label of a key. Throws CliError for one that the server would refuse, and for `root`. */
export function checkLabel(label: string): string {
  if (!isKeyLabel(label)) {
    throw usageError(`${shown(label)} is not a valid label`, 'A label has 1 to 64 visible characters: --label bob')
  }
  if (label.toLowerCase() === ROOT) throw usageError('--label must not be root, which names the root key')
  return label
}

/** Returns the threshold of --threshold, or else the present one. Throws CliError. */
export function readThreshold(flags: FlagReader<typeof thresholdFlag>, present: number): number {
  const given = flags.text('threshold')
  return given === undefined ? present : readCount(given, '--threshold')
}

/** Reads a number of root keys. Throws CliError, which names the flag or argument. */
export function readCount(text: string, name: string): number {
  if (!/^[1-9]$/.test(text)) throw usageError(`${name} must be a number from 1 to 9`)
  return Number(text)
}
