import {
  type CelFunc,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celMethod,
  isCelList,
  isCelMap,
  listType,
  objectType,
} from '@bufbuild/cel'
import { TimestampSchema, timestampFromMs } from '@bufbuild/protobuf/wkt'

/** Takes units from the budget of the call that evaluates. Throws Error when they are not left. */
export type Spend = (units: number) => void

/** Longest text that a sum makes. A claim has at most 1,024 characters, and a literal fits into the condition. */
const MAX_SUM = 4096

const { BOOL, DYN, INT, STRING } = CelScalar
const LIST = listType(DYN)
const TIMESTAMP = objectType(TimestampSchema)
const standard = celEnv().funcs

/**
 * Creates the functions that conditions have instead of the library's: those whose work depends on the length of their
 * arguments pay for it, and `timestamp` counts seconds.
 */
export function createFunctions(spend: Spend, matches: (pattern: string, text: string) => boolean): CelFunc[] {
  return [
    ...textFunctions(spend, matches),
    ...listFunctions(spend),
    // The library reads milliseconds. CEL counts seconds.
    celFunc('timestamp', [INT], TIMESTAMP, (seconds) => timestampFromMs(Number(seconds) * 1000)),
  ]
}

function textFunctions(spend: Spend, matches: (pattern: string, text: string) => boolean): CelFunc[] {
  const sizeOf = (text: string) => {
    spend(text.length)
    return BigInt(Array.from(text).length)
  }
  return [
    celFunc('size', [STRING], INT, sizeOf),
    celMethod('size', STRING, [], INT, function () {
      return sizeOf(this)
    }),
    celMethod('contains', STRING, [STRING], BOOL, function (part) {
      // The search may compare the whole part at each place.
      spend((this.length * part.length) / 32)
      return this.includes(part)
    }),
    celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
      return matches(pattern, this)
    }),
    celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
      if (left.length + right.length > MAX_SUM) throw new Error(`A text must have at most ${MAX_SUM} characters`)
      return left + right
    }),
  ]
}

function listFunctions(spend: Spend): CelFunc[] {
  const equal = (left: CelValue, right: CelValue) => {
    spendFor(left, spend)
    return standard.find('_==_')?.call(0, undefined, [left, right]) === true
  }
  return [
    celFunc('_==_', [DYN, DYN], BOOL, equal),
    celFunc('_!=_', [DYN, DYN], BOOL, (left, right) => !equal(left, right)),
    celFunc('@in', [DYN, LIST], BOOL, (value, list) => {
      spendFor(list, spend)
      return standard.find('@in')?.call(0, undefined, [value, list]) === true
    }),
    celFunc('_+_', [LIST, LIST], LIST, (left, right) => {
      // The library would chain the lists, and each entry would then be sought through the whole chain.
      spend(2 * (left.size + right.size))
      return [...left, ...right]
    }),
  ]
}

/** Pays for going over a value with all that is in it. */
function spendFor(value: CelValue, spend: Spend): void {
  if (isCelList(value)) {
    spend(4 * value.size)
    for (const entry of value) spendFor(entry, spend)
  } else if (isCelMap(value)) {
    spend(8 * value.size)
    for (const entry of value.values()) spendFor(entry, spend)
  }
}
