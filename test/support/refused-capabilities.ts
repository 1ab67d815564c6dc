import { details, type GrantChange, PAY, READ, TOOLS } from './grant-chains.ts'
import type { Changes, RefusedRow } from './refused-grants.ts'

const WILDCARD = { constraint_type: 'wildcard' }
const REGEX = { constraint_type: 'regex', pattern: '.*' }
export const range = (members: object) => ({ constraint_type: 'range', ...members })
export const oneOf = (...values: unknown[]) => ({ constraint_type: 'one_of', values })
const notOneOf = (...excluded: unknown[]) => ({ constraint_type: 'not_one_of', excluded })
/** Returns a grant with these capabilities. */
export const tools = (changed: object): GrantChange => ({ claims: { authorization_details: details(changed) } })
const entries = (...changed: unknown[]): GrantChange => ({ claims: { authorization_details: changed.flat() } })
/** Chains whose root and child allow one call with these arguments. */
export const maps = (parent: object, child: object) => ({ 0: tools({ [PAY]: parent }), 1: tools({ [PAY]: child }) })
const amounts = (parent: object, child: object) => maps({ amount: parent }, { amount: child })

/** Rows 29 to 37 of the table of refusals: changes of grants that make the last grant of a chain refused. */
export const REFUSED_CAPABILITIES: readonly RefusedRow<Changes>[] = [
  [29, 'CAPABILITY_ADDED', 'a scope added', { 1: tools({ ...TOOLS, 'https://pay.acme.test#refund': {} }) }],
  [29, 'CAPABILITY_ADDED', 'the same scope elsewhere', { 1: tools({ 'https://api.acme.test#pay': {} }) }],
  [29, 'CAPABILITY_ADDED', 'the same audience in other words', { 1: tools({ 'https://pay.acme.test/#pay': {} }) }],
  [29, 'CAPABILITY_ADDED', 'a capability given up above', { 1: tools({ [READ]: {} }), 2: {} }],
  [30, 'CONSTRAINT_DROPPED', 'an argument dropped', maps({ a: oneOf(1), b: oneOf(2) }, { a: oneOf(1) })],
  [30, 'CONSTRAINT_DROPPED', 'optional', maps({ a: oneOf(1) }, { a: { ...oneOf(1), optional: true } })],
  [31, 'ARGUMENT_ADDED', 'a new argument', maps({ a: oneOf(1) }, { a: oneOf(1), b: oneOf(2) })],
  [31, 'ARGUMENT_ADDED', '* under a closed map', maps({ a: oneOf(1) }, { a: oneOf(1), '*': WILDCARD })],
  [31, 'ARGUMENT_ADDED', '{} under a closed map', maps({ a: oneOf(1) }, {})],
  [32, 'CONSTRAINT_WIDENED', '500 to 501', amounts(range({ max: 500 }), range({ max: 501 }))],
  [32, 'CONSTRAINT_WIDENED', 'another bound', amounts(range({ max: 500 }), range({ min: 0 }))],
  [32, 'CONSTRAINT_WIDENED', 'inclusive', amounts(range({ max: 5, max_inclusive: false }), range({ max: 5 }))],
  [33, 'CONSTRAINT_WIDENED', 'a value added', amounts(oneOf(1, 2), oneOf(1, 3))],
  [33, 'CONSTRAINT_WIDENED', 'an exclusion removed', amounts(notOneOf(1, 2), notOneOf(1))],
  [34, 'CONSTRAINT_WIDENED', 'one_of under not_one_of', amounts(notOneOf('prod'), oneOf('dev'))],
  [35, 'UNKNOWN_CONSTRAINT', 'an unknown type in the root', { 0: tools({ [PAY]: { amount: REGEX } }) }],
  [35, 'UNKNOWN_CONSTRAINT', 'an unknown type under a wildcard', amounts(WILDCARD, REGEX)],
  [35, 'UNKNOWN_CONSTRAINT', 'one inside any', amounts(WILDCARD, { constraint_type: 'any', constraints: [REGEX] })],
  [36, 'MALFORMED_CONSTRAINT', 'an empty any', amounts(WILDCARD, { constraint_type: 'any', constraints: [] })],
  [36, 'MALFORMED_CONSTRAINT', 'a range without bounds', amounts(WILDCARD, range({}))],
  [36, 'MALFORMED_CONSTRAINT', 'min above max', amounts(WILDCARD, range({ min: 2, max: 1 }))],
  [36, 'MALFORMED_CONSTRAINT', 'an extra member', amounts(WILDCARD, range({ max: 1, step: 1 }))],
  [37, 'UNKNOWN_DETAIL_TYPE', 'a second entry', { 1: entries(details(TOOLS), details(TOOLS)) }],
  [37, 'UNKNOWN_DETAIL_TYPE', 'a foreign entry next to the right one', { 1: entries(details(TOOLS), { type: 'x' }) }],
  [37, 'UNKNOWN_DETAIL_TYPE', 'a foreign entry alone', { 0: entries({ type: 'x', tools: TOOLS }) }],
]
