import { canonicalJson } from '@auth4agent/core/encoding/canonical-json'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'

/** A list on which the operators for sets work. Its entries are texts, numbers or objects. */
export type ValueList = readonly unknown[]

/** Tells whether a value is a list of texts, numbers or objects, the entries that OpenID Federation 1.0 allows. */
export function isValueList(value: unknown): value is ValueList {
  return Array.isArray(value) && value.every(isEntry)
}

/** Tells whether a value can be an entry of a {@link ValueList}. */
export function isEntry(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || isJsonObject(value)
}

/** Tells whether two JSON values are the same. The order of members does not count, the order of entries does. */
export function areEqual(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other)
}

/** Tells whether a list contains a value. */
export function contains(list: ValueList, value: unknown): boolean {
  return textsOf(list).has(canonicalJson(value))
}

/** Tells whether every entry of `part` is an entry of `whole`. */
export function isSubset(part: ValueList, whole: ValueList): boolean {
  const known = textsOf(whole)
  return part.every((entry) => known.has(canonicalJson(entry)))
}

/** Returns the entries of `one`, then those that only `other` has. */
export function union(one: ValueList, other: ValueList): ValueList {
  const known = textsOf(one)
  return [...one, ...other.filter((entry) => !known.has(canonicalJson(entry)))]
}

/** Returns the entries of `one` that `other` has too. */
export function intersection(one: ValueList, other: ValueList): ValueList {
  const known = textsOf(other)
  return one.filter((entry) => known.has(canonicalJson(entry)))
}

/** A set of texts keeps a check linear in the size of both lists, which other parties choose. */
function textsOf(list: ValueList): ReadonlySet<string> {
  return new Set(list.map(canonicalJson))
}
