import {
  type ArgumentMap,
  type Constraint,
  isUnconstrained,
  type Range,
  type Scalar,
  UNNAMED,
} from '@auth4agent/core/delegation/constraint'

/** Writes a constraint for people, such as `at most 500`. */
export function constraintText(constraint: Constraint): string {
  switch (constraint.constraint_type) {
    case 'wildcard':
      return 'any value'
    case 'exact':
      return `exactly ${JSON.stringify(constraint.value)}`
    case 'one_of':
      return `one of ${listed(constraint.values)}`
    case 'not_one_of':
      return `none of ${listed(constraint.excluded)}`
    case 'range':
      return rangeText(constraint)
    case 'prefix':
      return `begins with ${JSON.stringify(constraint.prefix)}`
    case 'contains':
      return `a list that has ${listed(constraint.required)}`
    case 'subset':
      return `a list of only ${listed(constraint.allowed)}`
    case 'all':
      return `all of (${clauses(constraint.constraints)})`
    case 'any':
    default:
      return `any of (${clauses(constraint.constraints)})`
  }
}

function listed(values: readonly Scalar[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ')
}

function clauses(constraints: readonly Constraint[]): string {
  return constraints.map(constraintText).join('; ')
}

function rangeText({ min, min_inclusive, max, max_inclusive }: Range): string {
  const bounds = [
    min === undefined ? undefined : `${min_inclusive === false ? 'above' : 'at least'} ${min}`,
    max === undefined ? undefined : `${max_inclusive === false ? 'below' : 'at most'} ${max}`,
  ].filter((bound) => bound !== undefined)
  return bounds.join(' and ')
}

/** Writes the name of an argument. The signer of the grant chooses the name, so it may read like a limit. */
export function nameText(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : JSON.stringify(name)
}

/** Writes the arguments of a capability for people, such as `with amount at most 500`. */
export function argumentsText(map: ArgumentMap): string {
  if (isUnconstrained(map)) return 'with any arguments'
  const named = [...map].flatMap(([name, { constraint, optional }]) =>
    name === UNNAMED ? [] : [`${nameText(name)}${optional ? ' (optional)' : ''}: ${constraintText(constraint)}`],
  )
  return `with ${[...named, ...(map.has(UNNAMED) ? ['any other arguments'] : [])].join('; ')}`
}
