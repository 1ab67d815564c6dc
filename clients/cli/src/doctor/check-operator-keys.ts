import type { Operator } from '@auth4agent/sdk'
import { EXPIRY_CURE, expiryWarning } from '../key-expiry.ts'
import { type OwnKeyState, viewKey } from '../own-key-state.ts'
import type { OwnOperatorKey } from '../own-keys.ts'
import { writeTime } from '../times.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** Arguments of {@link checkOperatorKeys}: the keys of the folder, and how to call the server with each. */
interface KeysCheck {
  readonly keys: readonly OwnOperatorKey[]
  readonly open: (key: OwnOperatorKey) => Promise<Operator | undefined>
  /** Unix milliseconds. */
  readonly nowMs: number
}

/**
 * Compares the keys of a folder with the manifest of the operator: whether the server accepts each, its roles and its
 * expiry. Returns no finding if the server does not answer or has no such keys.
 */
export async function checkOperatorKeys({ keys, open, nowMs }: KeysCheck): Promise<readonly Finding[]> {
  const views = await Promise.all(
    keys.map(async (key) => {
      const operator = await open(key)
      return operator && (await viewKey(operator, key))?.key
    }),
  )
  return views.flatMap((state) => (state === undefined ? [] : judgeKey(state, nowMs)))
}

/** Judges one key. `nowMs` is in Unix milliseconds. */
export function judgeKey({ label, isKnown, isRoot, roles, exp }: OwnKeyState, nowMs: number): Finding {
  const check = `key ${label}`
  if (!isKnown) {
    return problem(
      check,
      'the server does not accept this key',
      'It was removed, has expired, or was not added yet. A holder of a root key can add it: `auth4agent operator-key add --request FILE`.',
    )
  }
  if (isRoot || exp === undefined) return ok(check, 'it is a root key, and has all roles')
  const expiring = expiryWarning(label, exp, nowMs / 1000)
  if (expiring !== undefined) return warning(check, expiring.replace(/^T/, 't'), EXPIRY_CURE)
  return ok(check, `it has the roles ${roles.join(', ')} until ${writeTime(exp)}`)
}
