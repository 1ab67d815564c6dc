import { all, any, detailsOf, exact, oneOf, optional, PAY, prefix, range, wildcard } from './constraints.ts'

/** Authorization details. `reason` is undefined if they are accepted. */
interface ParseCase {
  readonly name: string
  readonly details: unknown
  /** How accepted details are written again, if in another form. */
  readonly written?: unknown
  readonly reason?: string
}

const withTools = (tools: unknown) => ({ details: detailsOf(tools) })
const withMap = (map: unknown) => withTools({ [PAY]: map })
const withConstraint = (constraint: unknown) => withMap({ a: constraint })
const withMembers = (constraint_type: string, members: object) => withConstraint({ constraint_type, ...members })
const manyTools = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`https://api.acme.test#s${at}`, {}]))
const manyArguments = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, wildcard]))
const manyValues = (count: number) => Array.from({ length: count }, (_, at) => at)
const LARGEST = Number.MAX_SAFE_INTEGER
const sparse: unknown[] = ['a']
sparse[2] = 'b'

const malformed = 'MALFORMED_CONSTRAINT'

const GRANT_FORMS: readonly ParseCase[] = [
  { name: 'no list', details: { type: 'attenuating_agent_token', tools: { [PAY]: {} } }, reason: 'MALFORMED_GRANT' },
  { name: 'nothing', details: undefined, reason: 'MALFORMED_GRANT' },
  { name: 'an empty list', details: [], reason: 'MALFORMED_GRANT' },
  { name: 'an entry that is no object', details: ['attenuating_agent_token'], reason: 'MALFORMED_GRANT' },
  { name: 'two entries', details: [...detailsOf({ [PAY]: {} }), ...detailsOf({})], reason: 'UNKNOWN_DETAIL_TYPE' },
  {
    name: 'a foreign second entry',
    details: [...detailsOf({ [PAY]: {} }), { type: 'x' }],
    reason: 'UNKNOWN_DETAIL_TYPE',
  },
  { name: 'a foreign entry', details: [{ type: 'payment', tools: { [PAY]: {} } }], reason: 'UNKNOWN_DETAIL_TYPE' },
  { name: 'an entry without type', details: [{ tools: { [PAY]: {} } }], reason: 'UNKNOWN_DETAIL_TYPE' },
  {
    name: 'an entry with locations',
    details: [{ ...detailsOf({ [PAY]: {} })[0], locations: [] }],
    reason: 'MALFORMED_GRANT',
  },
  { name: 'an entry without tools', details: [{ type: 'attenuating_agent_token' }], reason: 'MALFORMED_GRANT' },
  { name: 'tools in a list', ...withTools([]), reason: 'MALFORMED_GRANT' },
  { name: 'no capability', ...withTools({}), reason: 'MALFORMED_GRANT' },
  { name: '32 capabilities', ...withTools(manyTools(32)) },
  { name: '33 capabilities', ...withTools(manyTools(33)), reason: 'MALFORMED_GRANT' },
  { name: 'a host name as audience', ...withTools({ 'api.acme.test#read': {} }) },
  { name: 'a scope with #', ...withTools({ 'api.acme.test#a#b': {} }) },
  { name: 'no #', ...withTools({ 'https://api.acme.test': {} }), reason: 'MALFORMED_GRANT' },
  { name: 'no audience', ...withTools({ '#read': {} }), reason: 'MALFORMED_GRANT' },
  { name: 'an audience in upper case', ...withTools({ 'https://API.acme.test#read': {} }), reason: 'MALFORMED_GRANT' },
  { name: 'no scope', ...withTools({ 'https://api.acme.test#': {} }), reason: 'MALFORMED_GRANT' },
  { name: 'two scope-tokens', ...withTools({ 'https://api.acme.test#a b': {} }), reason: 'MALFORMED_GRANT' },
  { name: 'a scope with *', ...withTools({ 'https://api.acme.test#a*': {} }), reason: 'MALFORMED_GRANT' },
  { name: 'arguments in a list', ...withMap([]), reason: 'MALFORMED_GRANT' },
  { name: 'arguments that are null', ...withMap(null), reason: 'MALFORMED_GRANT' },
  { name: '16 arguments and *', ...withMap({ ...manyArguments(16), '*': wildcard }) },
  { name: '17 arguments', ...withMap(manyArguments(17)), reason: 'MALFORMED_GRANT' },
  { name: 'a name of 128 characters', ...withMap({ ['a'.repeat(128)]: wildcard }) },
  { name: 'a name of 129 characters', ...withMap({ ['a'.repeat(129)]: wildcard }), reason: 'MALFORMED_GRANT' },
  { name: 'an empty name', ...withMap({ '': wildcard }), reason: 'MALFORMED_GRANT' },
  { name: 'a name that is not valid text', ...withMap({ '\ud800': wildcard }), reason: 'MALFORMED_GRANT' },
]

const ARGUMENT_FORMS: readonly ParseCase[] = [
  { name: 'an optional argument', ...withConstraint({ ...wildcard, optional: true }) },
  {
    name: 'optional: false',
    ...withConstraint({ ...wildcard, optional: false }),
    written: withConstraint(wildcard).details,
  },
  { name: 'an optional that is no boolean', ...withConstraint({ ...wildcard, optional: 'true' }), reason: malformed },
  { name: 'optional in a clause', ...withConstraint(all(optional(exact(1)))), reason: malformed },
  { name: 'an argument that is no object', ...withConstraint('wildcard'), reason: malformed },
  { name: 'an argument that is a list', ...withConstraint([wildcard]), reason: malformed },
  { name: '* that is a wildcard', ...withMap({ '*': wildcard }), written: withMap({}).details },
  { name: '* that is no wildcard', ...withMap({ '*': exact(1) }), reason: malformed },
  { name: '* that is an any of a wildcard', ...withMap({ '*': any(wildcard) }), reason: malformed },
  { name: '* that is optional', ...withMap({ '*': { ...wildcard, optional: true } }), reason: malformed },
  { name: '* with optional: false', ...withMap({ '*': { ...wildcard, optional: false } }), reason: malformed },
  { name: 'no constraint_type', ...withConstraint({ value: 1 }), reason: malformed },
  { name: 'a constraint_type that is a number', ...withConstraint({ constraint_type: 1 }), reason: malformed },
  { name: 'an unknown type', ...withMembers('regex', { pattern: '.*' }), reason: 'UNKNOWN_CONSTRAINT' },
  { name: 'a type in upper case', ...withMembers('Wildcard', {}), reason: 'UNKNOWN_CONSTRAINT' },
  { name: 'a type that Object has', ...withMembers('constructor', {}), reason: 'UNKNOWN_CONSTRAINT' },
  {
    name: 'an unknown type in a clause',
    ...withMembers('any', { constraints: [wildcard, { constraint_type: 'cel' }] }),
    reason: 'UNKNOWN_CONSTRAINT',
  },
]

const CONSTRAINT_FORMS: readonly ParseCase[] = [
  { name: 'a wildcard with a member', ...withMembers('wildcard', { value: 1 }), reason: malformed },
  { name: 'exact null', ...withConstraint(exact(null)) },
  { name: 'exact without value', ...withMembers('exact', {}), reason: malformed },
  { name: 'exact of a list', ...withMembers('exact', { value: ['a'] }), reason: malformed },
  { name: 'exact of an object', ...withMembers('exact', { value: {} }), reason: malformed },
  { name: 'exact of a text that is not valid', ...withMembers('exact', { value: '\ud800' }), reason: malformed },
  { name: 'exact with another member', ...withMembers('exact', { value: 1, values: [1] }), reason: malformed },
  { name: 'the largest exact number', ...withConstraint(exact(LARGEST)) },
  { name: 'a number beyond 2^53-1', ...withConstraint(exact(LARGEST + 1)), reason: malformed },
  { name: 'a number below -(2^53-1)', ...withConstraint(oneOf(1, -LARGEST - 1)), reason: malformed },
  { name: 'a bound beyond 2^53-1', ...withConstraint(range({ max: 1e300 })), reason: malformed },
  { name: 'a bound that is NaN', ...withConstraint(range({ max: Number.NaN })), reason: malformed },
  { name: 'one_of without values', ...withMembers('one_of', {}), reason: malformed },
  { name: 'one_of of nothing', ...withMembers('one_of', { values: [] }), reason: malformed },
  { name: 'one_of of lists', ...withMembers('one_of', { values: [['a']] }), reason: malformed },
  { name: 'one_of of a text', ...withMembers('one_of', { values: 'a' }), reason: malformed },
  { name: 'one_of of a list with a hole', ...withMembers('one_of', { values: sparse }), reason: malformed },
  { name: 'one_of with a value twice', ...withMembers('one_of', { values: ['a', 'b', 'a'] }), reason: malformed },
  { name: 'one_of of 0 and -0', ...withMembers('one_of', { values: [0, -0] }), reason: malformed },
  { name: 'one_of of 1 and "1"', ...withMembers('one_of', { values: [1, '1'] }) },
  { name: 'one_of with another member', ...withMembers('one_of', { values: [1], value: 1 }), reason: malformed },
  { name: 'one_of of 64 values', ...withMembers('one_of', { values: manyValues(64) }) },
  { name: 'one_of of 65 values', ...withMembers('one_of', { values: manyValues(65) }), reason: malformed },
  { name: 'not_one_of of nothing', ...withMembers('not_one_of', { excluded: [] }) },
  { name: 'not_one_of without excluded', ...withMembers('not_one_of', { values: [1] }), reason: malformed },
  { name: 'not_one_of with a value twice', ...withMembers('not_one_of', { excluded: [1, 1] }), reason: malformed },
  { name: 'contains of nothing', ...withMembers('contains', { required: [] }) },
  { name: 'contains without required', ...withMembers('contains', {}), reason: malformed },
  { name: 'contains of objects', ...withMembers('contains', { required: [{}] }), reason: malformed },
  { name: 'subset of nothing', ...withMembers('subset', { allowed: [] }) },
  { name: 'subset without allowed', ...withMembers('subset', {}), reason: malformed },
  { name: 'subset of lists', ...withMembers('subset', { allowed: [['a']] }), reason: malformed },
]

const RANGE_FORMS: readonly ParseCase[] = [
  { name: 'a range without bounds', ...withConstraint(range({})), reason: malformed },
  { name: 'a range of one number', ...withConstraint(range({ min: 1, min_inclusive: true, max: 1 })) },
  { name: 'a range with min above max', ...withConstraint(range({ min: 2, max: 1 })), reason: malformed },
  {
    name: 'a range of one number that leaves out min',
    ...withConstraint(range({ min: 1, max: 1, min_inclusive: false })),
    reason: malformed,
  },
  {
    name: 'a range of one number that leaves out max',
    ...withConstraint(range({ min: 1, max: 1, max_inclusive: false })),
    reason: malformed,
  },
  { name: 'a flag without min', ...withConstraint(range({ min_inclusive: false, max: 1 })), reason: malformed },
  { name: 'a flag without max', ...withConstraint(range({ min: 1, max_inclusive: true })), reason: malformed },
  { name: 'a bound that is a text', ...withMembers('range', { max: '1' }), reason: malformed },
  { name: 'a bound that is null', ...withMembers('range', { min: null, max: 1 }), reason: malformed },
  { name: 'a flag that is a text', ...withMembers('range', { max: 1, max_inclusive: 'false' }), reason: malformed },
  { name: 'a range with another member', ...withMembers('range', { max: 1, maximum: 1 }), reason: malformed },
]

const PREFIX_FORMS: readonly ParseCase[] = [
  { name: 'a prefix that ends in a dot', ...withConstraint(prefix('/data/.')) },
  { name: 'a prefix without /', ...withConstraint(prefix('50%')) },
  { name: 'a prefix with a \\', ...withConstraint(prefix('C:\\data')), reason: malformed },
  { name: 'a prefix of dots', ...withConstraint(prefix('..')) },
  { name: 'an empty prefix', ...withConstraint(prefix('')), reason: malformed },
  { name: 'no prefix', ...withMembers('prefix', {}), reason: malformed },
  { name: 'a prefix that is a number', ...withMembers('prefix', { prefix: 1 }), reason: malformed },
  { name: 'a prefix that is not valid text', ...withConstraint(prefix('\ud800')), reason: malformed },
  { name: 'a prefix with a segment ..', ...withConstraint(prefix('/data/../')), reason: malformed },
  { name: 'a prefix with an empty segment', ...withConstraint(prefix('https://api.acme.test/')), reason: malformed },
]

const COMPOSITE_FORMS: readonly ParseCase[] = [
  { name: 'all of nothing', ...withMembers('all', { constraints: [] }), reason: malformed },
  { name: 'any of nothing', ...withMembers('any', { constraints: [] }), reason: malformed },
  { name: 'all without constraints', ...withMembers('all', {}), reason: malformed },
  { name: 'any of one constraint, not in a list', ...withMembers('any', { constraints: wildcard }), reason: malformed },
  { name: 'all with another member', ...withMembers('all', { constraints: [wildcard], value: 1 }), reason: malformed },
  { name: 'a malformed clause', ...withMembers('all', { constraints: [wildcard, oneOf()] }), reason: malformed },
  {
    name: 'a clause of nothing',
    ...withMembers('any', { constraints: [{ constraint_type: 'all', constraints: [] }] }),
    reason: malformed,
  },
  { name: 'four levels', ...withConstraint(all(any(all(exact(1))))) },
  { name: 'five levels', ...withConstraint(all(any(all(any(exact(1)))))), reason: malformed },
  { name: '64 clauses', ...withMembers('any', { constraints: manyValues(64).map(exact) }) },
  { name: '65 clauses', ...withMembers('any', { constraints: manyValues(65).map(exact) }), reason: malformed },
  { name: '2 clauses with 62 values', ...withConstraint(all(oneOf(...manyValues(31)), oneOf(...manyValues(31)))) },
  {
    name: '2 clauses with 63 values',
    ...withConstraint(all(oneOf(...manyValues(31)), oneOf(...manyValues(32)))),
    reason: malformed,
  },
]

export const PARSE_CASES: readonly ParseCase[] = [
  ...GRANT_FORMS,
  ...ARGUMENT_FORMS,
  ...CONSTRAINT_FORMS,
  ...RANGE_FORMS,
  ...PREFIX_FORMS,
  ...COMPOSITE_FORMS,
]
