/**
 * Metadata policies (OpenID Federation 1.0 section 6.1), written a second time from the text of the specification. It
 * shares nothing with the server and is not fast.
 */

type Json = Readonly<Record<string, unknown>>
type Operators = Record<string, unknown>
/** Operators by entity type and parameter. */
export type NaivePolicy = Record<string, Record<string, Operators>>

/** Is thrown where the chain is invalid. */
export class Invalid extends Error {}

export function demand(isRight: boolean, what: string): void {
  if (!isRight) throw new Invalid(what)
}

const KNOWN = new Set(['value', 'add', 'default', 'one_of', 'subset_of', 'superset_of', 'essential'])

/** Writes a value so that equal values have equal texts. */
function text(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
  return JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function list(value: unknown): unknown[] {
  demand(Array.isArray(value), 'a list')
  const entries: unknown[] = Array.isArray(value) ? value : []
  for (const entry of entries) {
    demand(entry !== null && !Array.isArray(entry) && typeof entry !== 'boolean', 'an entry')
  }
  return entries
}

function has(entries: readonly unknown[], one: unknown): boolean {
  return entries.some((entry) => text(entry) === text(one))
}

function without(operators: Operators): Operators {
  return Object.fromEntries(Object.entries(operators).filter(([name]) => KNOWN.has(name)))
}

/** Checks the operands and combinations of one parameter. */
function validate(operators: Operators): void {
  for (const [name, operand] of Object.entries(operators)) {
    if (['add', 'subset_of', 'superset_of'].includes(name)) list(operand)
    if (name === 'one_of') demand(list(operand).length > 0, 'one_of')
    if (name === 'default') demand(operand !== null, 'default')
    if (name === 'essential') demand(operand === true || operand === false, 'essential')
  }
  const names = Object.keys(operators)
  if (names.includes('one_of')) {
    demand(!['add', 'subset_of', 'superset_of'].some((other) => names.includes(other)), 'one_of with another')
  }
  if (names.includes('value')) validateValue(operators)
  if (names.includes('subset_of')) {
    const whole = list(operators['subset_of'])
    for (const part of ['add', 'superset_of']) {
      if (names.includes(part))
        demand(
          list(operators[part]).every((entry) => has(whole, entry)),
          `${part} in subset_of`,
        )
    }
  }
}

function validateValue(operators: Operators): void {
  const { value } = operators
  for (const [name, operand] of Object.entries(operators)) {
    if (name === 'default') demand(value !== null, 'value and default')
    if (name === 'essential') demand(value !== null || operand !== true, 'value and essential')
    if (name === 'one_of') demand(has(list(operand), value), 'value and one_of')
    if (name === 'subset_of')
      demand(
        list(value).every((entry) => has(list(operand), entry)),
        'value and subset_of',
      )
    if (name === 'add' || name === 'superset_of') {
      // null and a text are not lists, even beside an empty list.
      const whole = list(value)
      demand(
        list(operand).every((entry) => has(whole, entry)),
        `value and ${name}`,
      )
    }
  }
}

/** Merges one operator of a subordinate into the operator of its superiors. */
function mergeOperator(name: string, upper: unknown, lower: unknown): unknown {
  switch (name) {
    case 'add':
    case 'superset_of':
      return [...list(upper), ...list(lower).filter((entry) => !has(list(upper), entry))]
    case 'one_of':
    case 'subset_of': {
      const common = list(upper).filter((entry) => has(list(lower), entry))
      demand(name !== 'one_of' || common.length > 0, 'no common one_of')
      return common
    }
    case 'essential':
      return upper === true || lower === true
    default:
      demand(text(upper) === text(lower), `different ${name}`)
      return upper
  }
}

/** Merges policies from the anchor down. */
export function naiveMerge(policies: readonly NaivePolicy[]): NaivePolicy {
  const merged: NaivePolicy = {}
  for (const policy of policies) {
    for (const [type, parameters] of Object.entries(policy)) {
      const known = (merged[type] ??= {})
      for (const [parameter, all] of Object.entries(parameters)) {
        const operators = without(all)
        validate(operators)
        const before = known[parameter] ?? {}
        const after = { ...before }
        for (const [name, operand] of Object.entries(operators)) {
          after[name] = Object.hasOwn(before, name) ? mergeOperator(name, before[name], operand) : operand
        }
        validate(after)
        known[parameter] = after
      }
    }
  }
  return merged
}

/** Applies a merged policy to the metadata of one entity type. */
export function naiveApply(parameters: Record<string, Operators>, metadata: Json): Json {
  const result = { ...metadata }
  for (const [parameter, operators] of Object.entries(parameters)) {
    const value = naiveParameter(operators, result[parameter])
    delete result[parameter]
    if (value !== undefined) result[parameter] = value
  }
  return result
}

function naiveParameter(operators: Operators, before: unknown): unknown {
  let value = before
  const on = (name: string) => Object.hasOwn(operators, name)
  if (on('value')) value = operators['value'] === null ? undefined : operators['value']
  if (on('add')) value = mergeOperator('add', value ?? [], operators['add'])
  if (on('default') && value === undefined) value = operators['default']
  if (on('one_of') && value !== undefined) {
    demand(typeof value !== 'boolean' && has(list(operators['one_of']), value), 'one_of')
  }
  if (on('subset_of') && value !== undefined) value = mergeOperator('subset_of', value, operators['subset_of'])
  if (on('superset_of') && value !== undefined) {
    const entries = list(value)
    demand(
      list(operators['superset_of']).every((entry) => has(entries, entry)),
      'superset_of',
    )
  }
  if (operators['essential'] === true) demand(value !== undefined, 'essential')
  return value
}
