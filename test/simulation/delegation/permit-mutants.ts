import type { Mutant } from './mutants.ts'

const MALFORMED = 'only a malformed grant shows it'
const MADE_BY_JSON = 'readArguments checks the same before'

const edit =
  (file: string) =>
  (what: string, from: string, to: string, unseen?: string): Mutant => ({
    what,
    file,
    from,
    to,
    ...(unseen !== undefined && { unseen }),
  })
const permits = edit('delegation/permits.ts')
const constraint = edit('delegation/constraint.ts')
const read = edit('delegation/call-arguments.ts')
const path = edit('delegation/path-text.ts')
const json = edit('encoding/json-value.ts')

const VALUES: readonly Mutant[] = [
  permits('admits takes values that are not JSON', 'isJsonValue(value) && holds', 'holds', MADE_BY_JSON),
  read(
    'readArguments takes values that are not JSON',
    'if (isJsonValue(value, budget)) continue',
    'if (value !== budget) continue',
  ),
  permits(
    'exact admits large numbers',
    'isScalar(value) && value === constraint.value',
    'value === constraint.value',
    MALFORMED,
  ),
  permits('exact compares texts', 'value === constraint.value', 'String(value) === String(constraint.value)'),
  permits('exact admits everything', 'isScalar(value) && value === constraint.value', 'true'),
  permits('exact tells 0 from -0', 'value === constraint.value', 'Object.is(value, constraint.value)'),
  permits(
    'one_of admits large numbers',
    'isScalar(value) && constraint.values.includes(value)',
    'constraint.values.includes(value as never)',
    MALFORMED,
  ),
  permits('one_of admits everything', 'isScalar(value) && constraint.values.includes(value)', 'true'),
  permits('not_one_of admits lists', 'isScalar(value) && !constraint.excluded', '!(constraint.excluded as unknown[])'),
  permits(
    'not_one_of admits excluded values',
    'isScalar(value) && !constraint.excluded.includes(value)',
    'isScalar(value)',
  ),
  permits('range admits large numbers', 'isExactNumber(value) && isInside', "typeof value === 'number' && isInside"),
  permits(
    'range admits numbers in texts',
    'isExactNumber(value) && isInside(constraint, value)',
    "(typeof value === 'string' || isExactNumber(value)) && isInside(constraint, Number(value))",
  ),
  permits('an exclusive min admits itself', 'value <= min', 'value < min'),
  permits('an inclusive max never ends', ': value <= max)', ': true)'),
  permits('an exclusive max admits itself', 'value < max', 'value <= max'),
  permits('a min does not limit', ': value < min)', ': false)'),
  permits('a missing flag of min is exclusive', 'min_inclusive === false', 'min_inclusive !== true'),
  permits('a missing flag of max is exclusive', 'max_inclusive === false', 'max_inclusive !== true'),
  permits('a prefix may be inside', 'text.startsWith(prefix)', 'text.includes(prefix)'),
  permits('a prefix is normalised', 'text.startsWith(prefix)', 'text.normalize().startsWith(prefix)'),
  permits('a prefix ignores case', 'text.startsWith(prefix)', 'text.toLowerCase().startsWith(prefix)'),
  permits('paths are not checked', ' && isSafeText(text)', ''),
  permits(
    'paths are checked only if the prefix has a /',
    'isSafeText(text)',
    "(!prefix.includes('/') || isSafeText(text))",
  ),
  path('a text with \\\\ is no path', 'SEPARATOR = /[\\\\/]/', 'SEPARATOR = /[/]/'),
  path('a text may be dots and spaces', ': !DOTS_AND_SPACES.test(form)', ': true', 'no drawn prefix begins with a dot'),
  permits('contains needs one of its values', 'constraint.required.every', 'constraint.required.some'),
  permits(
    'contains admits lists of lists',
    'isScalarList(value) && constraint.required.every',
    'Array.isArray(value) && constraint.required.every',
  ),
  permits('subset needs one of its values', 'value.every((scalar) => constraint', 'value.some((scalar) => constraint'),
  permits('subset admits every list', 'value.every((scalar) => constraint.allowed.includes(scalar))', 'true'),
  permits(
    'a list may have large numbers',
    'value.every(isScalar)',
    "value.every((each) => typeof each !== 'object' || each === null)",
  ),
  permits('all needs one clause', 'constraint.constraints.every', 'constraint.constraints.some'),
  permits('any admits everything', 'constraint.constraints.some((clause) => holds(clause, value))', 'true'),
]

const CALLS: readonly Mutant[] = [
  permits('unknown arguments are allowed', 'if (isUnconstrained(map)) return undefined', 'return undefined'),
  read(
    'inherited arguments are allowed',
    'if (!isPlainObject(args)) return',
    'if (false) return',
    'drawn arguments are plain objects',
  ),
  read('a name may be invalid text', 'if (!name.isWellFormed()) return', 'if (false) return'),
  permits(
    'unnamed arguments are allowed',
    'if (entry === undefined) {',
    'if (entry === undefined) return undefined\n  if (entry === undefined) {',
  ),
  permits(
    'arguments are not compared with constraints',
    'if (holds(entry.constraint, value)) return undefined',
    'if (value !== entry) return undefined',
  ),
  permits('* comes before named arguments', 'map.get(name) ?? map.get(UNNAMED)', 'map.get(UNNAMED) ?? map.get(name)'),
  permits('arguments may be missing', 'if (name === UNNAMED || optional ||', 'if (name !== UNNAMED || optional ||'),
  permits('only the first argument is checked', 'of args.values) {', 'of [...args.values].slice(0, 1)) {'),
  permits(
    'an empty chain allows everything',
    'if (hops.length === 0) return',
    'if (hops.length < 0) return',
    'no drawn chain is empty',
  ),
  permits('only the root is checked', 'of hops.entries()) {', 'of hops.slice(0, 1).entries()) {'),
  permits('only the last grant is checked', 'of hops.entries()) {', 'of hops.slice(-1).entries()) {'),
  permits(
    'a grant without the capability is skipped',
    'map === undefined ? missing(capability)',
    'map === undefined ? undefined',
  ),
  constraint('a map with * and others is unconstrained', 'map.size === 1 && ', ''),
  constraint(
    'a map of one argument is unconstrained',
    " && map.get(UNNAMED)?.constraint.constraint_type === 'wildcard'",
    '',
  ),
]

const FORMS: readonly Mutant[] = [
  constraint('a text may be invalid', 'return value.isWellFormed()', 'return true', 'isJsonValue checks the same'),
  constraint('a number may be too large', 'Math.abs(value) <= Number.MAX_SAFE_INTEGER', 'value === value'),
  constraint('a number may be too small', 'Math.abs(value) <=', 'value <='),
  constraint('2^53 is a number', '<= Number.MAX_SAFE_INTEGER', '<= Number.MAX_SAFE_INTEGER + 1'),
  ...['\\\\', '%', ';', '?', '#', '\\p{C}'].map((character) =>
    path(`a path may have ${character}`, '/[\\\\%;?#\\p{C}]/u', `/[${'\\\\%;?#\\p{C}'.replace(character, '')}]/u`),
  ),
  path('a path may have dot segments', '/^(?:[. ]*$|', '/^(?:$|'),
  path('a path may have three dots', '/^(?:[. ]*$|', '/^(?:\\.{0,2}$| $|'),
  path('a path may have dots and spaces', '/^(?:[. ]*$|', '/^(?:\\.*$|'),
  path('a path may have empty segments', '/^(?:[. ]*$|', '/^(?:[. ]+$|'),
  path('a path may have dots before a colon', '|[. ]+:)/', ')/'),
  path('a path may not have a colon', '|[. ]+:)/', '|.*:)/', 'it refuses more'),
  path('a path is only read as it is sent', "[text, text.normalize('NFKC')]", '[text]'),
  path('a path is only read in a canonical form', "normalize('NFKC')", "normalize('NFC')"),
  path('a path may end in dots', "(segment === '' && isOutermost(at))", 'isOutermost(at)'),
  path('an empty segment may be anywhere', ' && isOutermost(at))', ')'),
  path('one segment is enough', 'segments.every', 'segments.some'),
  json('a text may be invalid', 'return value.isWellFormed()', 'return true'),
  json('NaN is a number', 'return Number.isFinite(value)', 'return !Number.isNaN(value) || true'),
  json('Infinity is a number', 'Number.isFinite(value)', '!Number.isNaN(value)'),
  json('nesting does not end', 'if (depth === 0) return false', 'if (depth < -9) return false'),
  json('holes are skipped', 'Array.from<unknown>(value).every', '(value as unknown[]).every'),
  json(
    'entries of a list are not checked',
    '.every((entry) => isNested(entry, depth - 1, budget))',
    '.every(() => true)',
  ),
  json('members are not checked', ' && isNested(member, depth - 1, budget)', ''),
  json('names of members may be invalid', 'name.isWellFormed() && ', ''),
  json('objects may have a prototype', 'isPlainObject(value) &&', "typeof value === 'object' &&"),
  json('every prototype is plain', 'if (prototype !== Object.prototype && prototype !== null) return false', ''),
  json('members may be hidden', 'Reflect.ownKeys(value).length === Object.keys(value).length', 'true'),
]

export const PERMIT_MUTANTS: readonly Mutant[] = [...VALUES, ...CALLS, ...FORMS]
