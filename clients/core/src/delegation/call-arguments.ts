import { isJsonValue, isPlainObject } from '../encoding/json-value.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import { type ChainRefusal, quote, refuseGrant } from './refusal.ts'

/** Most values in the arguments of a call, those inside lists and objects included. */
const MAX_ARGUMENT_VALUES = 1_000

const CHECKED = Symbol('checked')

/**
 * The arguments of a call by name. All are values that JSON can carry. Only {@link readArguments} makes them, so that
 * one request costs one walk through its arguments, however many grants and capabilities it needs.
 */
export interface CallArguments {
  readonly [CHECKED]: true
  readonly values: ReadonlyMap<string, unknown>
}

/** Arguments that were read; undefined if they are not known. */
type ReadArguments = { readonly ok: true; readonly args: CallArguments | undefined } | ChainRefusal

/**
 * Checks the form of the arguments of a call: a plain object, with values that JSON can carry, at most 1,000 in all.
 *
 * @param args the arguments on which the service acts; undefined if they are not known.
 * @example
 * ```ts
 * import { readArguments } from '@auth4agent/core/delegation/call-arguments'
 *
 * readArguments({ amount: 5 }).ok // true
 * readArguments({ amount: 5n }).ok // false
 * ```
 */
export function readArguments(args: JsonObject | undefined): ReadArguments {
  if (args === undefined) return { ok: true, args }
  if (!isPlainObject(args)) return refuse('the arguments must be a plain object')
  const values = new Map(Object.entries(args))
  const budget = { left: MAX_ARGUMENT_VALUES }
  for (const [name, value] of values) {
    if (!name.isWellFormed()) return refuse('the name of an argument must be valid Unicode text')
    if (isJsonValue(value, budget)) continue
    if (budget.left < 0) return refuse(`the arguments must have at most ${MAX_ARGUMENT_VALUES} values in all`)
    return refuse(`the argument ${quote(name)} must be a value that JSON can carry`)
  }
  return { ok: true, args: { [CHECKED]: true, values } }
}

function refuse(rule: string): ChainRefusal {
  return { ...refuseGrant('ARGUMENT_REFUSED', rule), hop: undefined }
}
