/** No request nests deeper, and a value that contains itself ends here. */
const MAX_DEPTH = 64

/** How many more values a check may visit. */
interface JsonBudget {
  left: number
}

/**
 * Tells whether a value in memory is exactly what some JSON text (RFC 8259) says: null, a boolean, a finite number,
 * valid Unicode text, an array of such values, or a plain object with such members, nested at most 64 levels. Other
 * values would read differently after they are sent as JSON.
 *
 * @param budget how many values there may be in all, those inside lists and objects included. Each value that is
 *   visited lessens it, and it is negative afterwards if there are more.
 * @example
 * ```ts
 * import { isJsonValue } from '@auth4agent/core/encoding/json-value'
 *
 * isJsonValue({ amount: 5, tags: ['a'] }) // true
 * isJsonValue({ amount: 5n }) // false
 * isJsonValue(new Date()) // false
 * ```
 */
export function isJsonValue(value: unknown, budget: JsonBudget = { left: Number.POSITIVE_INFINITY }): boolean {
  return isNested(value, MAX_DEPTH, budget)
}

function isNested(value: unknown, depth: number, budget: JsonBudget): boolean {
  budget.left -= 1
  if (budget.left < 0) return false
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return Number.isFinite(value)
  if (value === null || typeof value === 'boolean') return true
  if (depth === 0) return false
  // Array.from shows the holes of an array, which `every` skips.
  if (Array.isArray(value)) return Array.from<unknown>(value).every((entry) => isNested(entry, depth - 1, budget))
  return (
    isPlainObject(value) &&
    Object.entries(value).every(([name, member]) => name.isWellFormed() && isNested(member, depth - 1, budget))
  )
}

/**
 * Tells whether a value is an object that has only members of its own that JSON shows, as JSON.parse makes them.
 *
 * @example
 * ```ts
 * import { isPlainObject } from '@auth4agent/core/encoding/json-value'
 *
 * isPlainObject({}) // true
 * isPlainObject(Object.create({ amount: 5 })) // false
 * ```
 */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  // A hidden member would be read by its name, but not be seen by checks of all members.
  return Reflect.ownKeys(value).length === Object.keys(value).length
}
