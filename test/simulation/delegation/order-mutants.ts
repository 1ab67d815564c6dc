import type { Mutant } from './mutants.ts'

const FILE = 'delegation/order.ts'

/** Breaks the condition of a row of the table. */
const row = (pair: string, condition: string, broken: string): Mutant => ({
  what: `${pair}: ${broken}`,
  file: FILE,
  from: `row(${pair}, ${condition})`,
  to: `row(${pair}, ${broken})`,
})
/** Adds a row to the table. */
const added = (pair: string): Mutant => ({
  what: `the pair ${pair} is accepted`,
  file: FILE,
  from: "  row('subset', 'subset',",
  to: `  row(${pair}, () => true),\n  row('subset', 'subset',`,
})
const edited = (what: string, from: string, to: string, unseen?: string): Mutant => ({
  what,
  file: FILE,
  from,
  to,
  ...(unseen !== undefined && { unseen }),
})

const EACH_VALUE = '(child, parent) => child.values.every((value) => admits(parent, value))'
const BEGINNING = '(child, parent) => child.prefix.startsWith(parent.prefix)'
const ALL = '(child, parent) => parent.constraints.every((limit) => hasNarrower(child.constraints, limit))'
const ANY = '(child, parent) => child.constraints.every((clause) => hasWider(parent.constraints, clause))'

export const ORDER_MUTANTS: readonly Mutant[] = [
  row("'exact', 'exact'", 'isAdmitted', '() => true'),
  row("'exact', 'exact'", 'isAdmitted', '(child, parent) => String(child.value) === String(parent.value)'),
  row("'one_of', 'exact'", 'isAdmitted', '() => true'),
  row("'one_of', 'one_of'", '(child, parent) => includesAll(parent.values, child.values)', '() => true'),
  row(
    "'one_of', 'one_of'",
    '(child, parent) => includesAll(parent.values, child.values)',
    '(child, parent) => includesAll(child.values, parent.values)',
  ),
  row(
    "'not_one_of', 'not_one_of'",
    '(child, parent) => includesAll(child.excluded, parent.excluded)',
    '(child, parent) => includesAll(parent.excluded, child.excluded)',
  ),
  row("'range', 'exact'", 'isAdmitted', '() => true'),
  row("'range', 'exact'", 'isAdmitted', "(child) => typeof child.value === 'number'"),
  row("'range', 'range'", 'isInside', '() => true'),
  row("'prefix', 'exact'", 'isAdmitted', '() => true'),
  row("'prefix', 'exact'", 'isAdmitted', '(child, parent) => String(child.value).startsWith(parent.prefix)'),
  row("'prefix', 'one_of'", EACH_VALUE, '() => true'),
  row("'prefix', 'one_of'", EACH_VALUE, '(child, parent) => child.values.some((value) => admits(parent, value))'),
  row("'prefix', 'prefix'", BEGINNING, '() => true'),
  row("'prefix', 'prefix'", BEGINNING, '(child, parent) => parent.prefix.startsWith(child.prefix)'),
  row("'prefix', 'prefix'", BEGINNING, '(child, parent) => child.prefix.includes(parent.prefix)'),
  row("'prefix', 'prefix'", BEGINNING, '(child, parent) => child.prefix.normalize().startsWith(parent.prefix)'),
  row(
    "'contains', 'contains'",
    '(child, parent) => includesAll(child.required, parent.required)',
    '(child, parent) => includesAll(parent.required, child.required)',
  ),
  row(
    "'subset', 'subset'",
    '(child, parent) => includesAll(parent.allowed, child.allowed)',
    '(child, parent) => includesAll(child.allowed, parent.allowed)',
  ),
  row("'all', 'all'", ALL, ALL.replace('parent.constraints.every', 'parent.constraints.some')),
  row("'all', 'all'", ALL, ANY),
  row("'any', 'any'", ANY, ANY.replace('child.constraints.every', 'child.constraints.some')),
  row("'any', 'any'", ANY, ALL),
  edited(
    'a wildcard is narrower than everything',
    "hasType(parent, 'wildcard')",
    "hasType(parent, 'wildcard') || hasType(child, 'wildcard')",
  ),
  edited('every clause is narrower than every limit', 'clauses.some((clause) => isNarrower(clause, limit))', 'true'),
  edited('every limit is wider than every clause', 'limits.some((limit) => isNarrower(clause, limit))', 'true'),
  edited(
    'one value in a list is enough',
    'some.every((value) => all.includes(value))',
    'some.some((value) => all.includes(value))',
  ),
  added("'not_one_of', 'exact'"),
  added("'not_one_of', 'one_of'"),
  added("'one_of', 'not_one_of'"),
  added("'range', 'one_of'"),
  added("'contains', 'subset'"),
  added("'subset', 'contains'"),
  added("'prefix', 'any'"),
  added("'any', 'all'"),
  added("'all', 'any'"),
  edited('the upper bound is not compared', ' && isTighter(upper(child), upper(parent))', ''),
  edited('the lower bound is not compared', 'isTighter(lower(child), lower(parent)) && ', ''),
  edited('the upper bound is compared like a lower one', '-max', 'max'),
  edited(
    'a bound may be removed',
    'if (child.tightness === undefined) return false',
    'if (child.tightness === undefined) return true',
  ),
  edited('an exclusive bound may become inclusive', 'return parent.isInclusive || !child.isInclusive', 'return true'),
  edited('a missing flag is exclusive: min', 'min_inclusive !== false', 'min_inclusive === true'),
  edited('a missing flag is exclusive: max', 'max_inclusive !== false', 'max_inclusive === true'),
  edited('bounds are not compared', 'return child.tightness > parent.tightness', 'return true'),
  edited(
    'added arguments are not looked for',
    'findAdded(child, parent) ?? ',
    '',
    'findWidened refuses the same grants with another reason',
  ),
  edited(
    '* may be added',
    'if (parent.has(name) || parent.has(UNNAMED))',
    "if (name === '*' || parent.has(name) || parent.has(UNNAMED))",
    'findWidened refuses the same grants with another reason',
  ),
  edited('dropped arguments are not looked for', ' ?? findDropped(child, parent)', ''),
  edited(
    'a required argument may be dropped',
    'optional && !child.has(UNNAMED)',
    '!child.has(UNNAMED)',
    'the child then forbids what the parent requires, so no call shows it',
  ),
  edited('an argument may be dropped under *', 'optional && !child.has(UNNAMED)', 'optional'),
  edited('a required argument may become optional', 'optional || !narrowed.optional', 'true'),
  edited('widened arguments are not looked for', ' ?? findWidened(child, parent)', ''),
  edited(
    '* of the parent comes before its named arguments',
    'parent.get(name) ?? parent.get(UNNAMED)',
    'parent.get(UNNAMED) ?? parent.get(name)',
  ),
  edited(
    'a capability may be added',
    "return refuseGrant('CAPABILITY_ADDED', `the parent must have the capability ${JSON.stringify(capability)}`)",
    'continue',
  ),
  edited(
    'only the first capability is compared',
    'of child) {\n    const limit = parent.get(capability)',
    'of [...child].slice(0, 1)) {\n    const limit = parent.get(capability)',
  ),
]
