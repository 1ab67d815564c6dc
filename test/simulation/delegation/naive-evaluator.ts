import type { Constraint, Scalar } from '@auth4agent/core/delegation/constraint'
import type { CallArguments, Tools, WireArguments } from './wire.ts'

/**
 * Says whether a chain permits a call. This is written only from the specification, shares no code with core, and
 * knows nothing about the order of constraints: it reads each grant as if it were alone.
 */
export function naivePermits(hops: readonly Tools[], capability: string, args: CallArguments): boolean {
  return hops.length > 0 && hops.every((tools) => permitsAlone(tools, capability, args))
}

function permitsAlone(tools: Tools, capability: string, args: CallArguments): boolean {
  const written = Object.entries(tools).find(([name]) => name === capability)?.[1]
  if (written === undefined) return false
  const isOpen = Object.keys(written).length === 0
  const map: WireArguments = isOpen ? { '*': { constraint_type: 'wildcard' } } : written
  const names = Object.keys(map)
  if (args === undefined) return names.join() === '*'
  const required = names.filter((name) => name !== '*' && map[name]?.optional !== true)
  if (!required.every((name) => Object.keys(args).includes(name))) return false
  return Object.keys(args).every((name) => {
    const constraint = names.includes(name) ? map[name] : map['*']
    return isText(name) && constraint !== undefined && isJson(args[name]) && isMet(constraint, args[name])
  })
}

function isMet(constraint: Constraint, value: unknown): boolean {
  if (constraint.constraint_type === 'wildcard') return true
  if (constraint.constraint_type === 'all') return !constraint.constraints.some((clause) => !isMet(clause, value))
  if (constraint.constraint_type === 'any')
    return constraint.constraints.filter((each) => isMet(each, value)).length > 0
  if (constraint.constraint_type === 'contains') {
    return isList(value) && constraint.required.filter((scalar) => !isIn(scalar, value)).length === 0
  }
  if (constraint.constraint_type === 'subset') {
    return isList(value) && value.filter((scalar) => !isIn(scalar, constraint.allowed)).length === 0
  }
  if (!isScalar(value)) return false
  if (constraint.constraint_type === 'exact') return isIn(value, [constraint.value])
  if (constraint.constraint_type === 'one_of') return isIn(value, constraint.values)
  if (constraint.constraint_type === 'not_one_of') return !isIn(value, constraint.excluded)
  if (constraint.constraint_type === 'prefix') return typeof value === 'string' && begins(value, constraint.prefix)
  const { min = -Infinity, max = Infinity, min_inclusive = true, max_inclusive = true } = constraint
  if (typeof value !== 'number') return false
  return (value > min || (min_inclusive && value === min)) && (value < max || (max_inclusive && value === max))
}

/** The JSON texts of equal scalars are equal: 1 and 1.0 are `1`, 0 and -0 are `0`, "1" is `"1"`. */
function isIn(scalar: Scalar, list: readonly Scalar[]): boolean {
  return list.some((each) => JSON.stringify(each) === JSON.stringify(scalar))
}

const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex')

/** Compares bytes. */
function begins(text: string, prefix: string): boolean {
  return hex(text).startsWith(hex(prefix)) && !mayClimb(text) && !mayClimb(text.normalize('NFKC'))
}

const mayClimb = (text: string) => /^[. ]+(?::|$)/.test(text) || (/[\\/]/.test(text) && isNoPath(text))

const isNoPath = (path: string) =>
  path.includes('//') || /(?:^|\/)[. ]+(?::|\/|$)/.test(path) || /[\\%;?#]|\p{C}/u.test(path)

function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'number') return value >= -9007199254740991 && value <= 9007199254740991
  return value === null || typeof value === 'boolean' || typeof value === 'string'
}

const isList = (value: unknown): value is readonly Scalar[] => Array.isArray(value) && value.every(isScalar)

/** Tells whether a value survives as JSON. */
function isJson(value: unknown, depth = 64): boolean {
  if (typeof value === 'string') return isText(value)
  if (typeof value === 'number') return value - value === 0
  if (typeof value === 'boolean' || value === null) return true
  if (typeof value !== 'object' || depth === 0) return false
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) if (!isJson(value[at], depth - 1)) return false
    return true
  }
  if (Object.prototype.toString.call(value) !== '[object Object]' || hasOwnPrototype(value)) return false
  if (Object.getOwnPropertySymbols(value).length > 0) return false
  if (Object.getOwnPropertyNames(value).join() !== Object.keys(value).join()) return false
  return Object.entries(value).every(([name, member]) => isText(name) && isJson(member, depth - 1))
}

const hasOwnPrototype = (value: object) => ![null, Object.prototype].includes(Object.getPrototypeOf(value))

/** Only valid Unicode text can be encoded. */
function isText(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text
}
