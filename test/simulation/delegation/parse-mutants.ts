import type { Mutant } from './mutants.ts'

const edit =
  (file: string) =>
  (what: string, from: string, to: string): Mutant => ({
    what,
    file,
    from,
    to,
    unseen: 'drawn grants are not malformed in this way',
  })
const grant = edit('delegation/parse-capabilities.ts')
const read = edit('delegation/read-constraint.ts')

const GRANTS: readonly Mutant[] = [
  grant('everything is a list', 'if (!Array.isArray(details)) return', 'if (!Array.isArray(details) && false) return'),
  grant('further entries are ignored', 'details.length > 1 || ', ''),
  grant('foreign types are read', " || entry['type'] !== DETAIL_TYPE", ''),
  grant('further members are ignored', ' || Object.keys(entry).length !== 2', ''),
  grant('a grant may have no capabilities', 'tools.length === 0 || ', ''),
  grant('a grant may have 33 capabilities', 'tools.length > MAX_CAPABILITIES', 'tools.length > MAX_CAPABILITIES + 1'),
  grant('a capability needs no #', 'at >= 0 && ', ''),
  grant('every audience is read', 'parseAudience(text.slice(0, at)) !== undefined && ', ''),
  grant('every scope is read', ' && parseScopeList([text.slice(at + 1)]) !== undefined', ''),
  grant('a scope may have spaces', '[text.slice(at + 1)]', "text.slice(at + 1).split(' ')"),
  grant('the last # ends an audience', "text.indexOf('#')", "text.lastIndexOf('#')"),
  grant(
    'arguments may be a list',
    "if (!isPlainObject(value)) return malformed('the arguments",
    "if (typeof value !== 'object' || value === null) return malformed('the arguments",
  ),
  grant('{} is a closed map', 'if (entries.length === 0) return { ok: true, value: UNCONSTRAINED }', ''),
  grant('a capability may have 17 arguments', 'length > MAX_ARGUMENTS', 'length > MAX_ARGUMENTS + 1'),
  grant('a name may be empty', "name === '' || ", ''),
  grant('a name may be long', 'name.length > MAX_NAME_LENGTH || ', ''),
  grant('a name may be invalid text', ' || !name.isWellFormed()', ''),
  grant('optional may be a text', "if (typeof optional !== 'boolean') return", 'if (false) return'),
  grant('* may be any constraint', "constraint.constraint_type !== 'wildcard' || ", ''),
  grant('* may be optional', " || Object.hasOwn(entry, 'optional'))", ')'),
  grant(
    'an argument is never optional',
    'value: { constraint, optional } }',
    'value: { constraint, optional: false } }',
  ),
  grant(
    'an argument is always optional',
    'value: { constraint, optional } }',
    'value: { constraint, optional: true } }',
  ),
]

const CONSTRAINTS: readonly Mutant[] = [
  read(
    '64 entries are not the limit',
    'countEntries(read.value) <= MAX_ENTRIES',
    'countEntries(read.value) <= MAX_ENTRIES + 1',
  ),
  read('entries of clauses are not counted', 'sum + 1 + countEntries(entry)', 'sum + 1'),
  read(
    'clauses are not counted',
    'sum + 1 + countEntries(entry)',
    "sum + (typeof entry === 'object' ? 0 : 1) + countEntries(entry)",
  ),
  read('nesting is not limited', 'depth > MAX_NESTING', 'depth > MAX_NESTING + 1'),
  read('clauses do not nest', 'readNested(clause, depth + 1)', 'readNested(clause, depth)'),
  read('a type may be a number', " || typeof value['constraint_type'] !== 'string'", ''),
  read(
    'an unknown type is a wildcard',
    'const form = FORMS.get(type)',
    "const form = FORMS.get(type) ?? FORMS.get('wildcard')",
  ),
  read('an unknown type is malformed', "refuseGrant('UNKNOWN_CONSTRAINT',", "refuseGrant('MALFORMED_CONSTRAINT',"),
  read(
    'further members are ignored',
    'hasOnly(value, form.members) ? form.read(value) : undefined',
    'form.read(value)',
  ),
  read('composites may be empty', ' || constraints.length === 0', ''),
  read('composites may have further members', " || !hasOnly(value, ['constraints'])", ''),
  read(
    'malformed clauses are left out',
    'if (!read.ok) return read\n    clauses',
    'if (!read.ok) continue\n    clauses',
  ),
  read(
    'exact may be a list',
    "isScalar(value) ? { constraint_type: 'exact', value }",
    "value !== undefined ? { constraint_type: 'exact', value: value as never }",
  ),
  read('one_of may be empty', ' || list.length === 0', ''),
  read('lists may have everything', 'list.every(isScalar) && ', ''),
  read('lists may have a value twice', ' && new Set(list).size === list.length', ''),
  read('lists may have holes', 'Array.from<unknown>(value)', '(value as unknown[])'),
  read('a prefix may be empty', "prefix !== '' && ", ''),
  read('a prefix may be invalid text', ' && prefix.isWellFormed()', ''),
  read('a prefix may be one that no argument has', ' && canBegin(prefix)', ''),
  read('a prefix must be a whole path', '`${prefix}x`', 'prefix'),
  read('min may be above max', 'min >= max : min > max', 'min >= max : false'),
  read('an open range may be empty', 'isOpen ? min >= max : min > max', 'min > max'),
  read('an open min does not matter', 'min_inclusive === false || ', ''),
  read('an open max does not matter', ' || max_inclusive === false', ''),
  read('a flag needs no bound', 'return !Object.hasOwn(members, flag)', 'return true'),
  read('a bound may be a text', 'return isExactNumber(members[name]) && ', 'return '),
  read('a flag may be a text', "(!Object.hasOwn(members, flag) || typeof members[flag] === 'boolean')", 'true'),
  read('min is not checked', "!isBound(members, 'min') || ", ''),
  read('max is not checked', " || !isBound(members, 'max')", ''),
]

export const PARSE_MUTANTS: readonly Mutant[] = [...GRANTS, ...CONSTRAINTS]
