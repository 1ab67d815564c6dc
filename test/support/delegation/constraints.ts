import type { Capabilities, Constraint, Range, Scalar } from '@auth4agent/core/delegation/constraint'
import { DETAIL_TYPE, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'

export const wildcard: Constraint = { constraint_type: 'wildcard' }
export const exact = (value: Scalar): Constraint => ({ constraint_type: 'exact', value })
export const oneOf = (...values: Scalar[]): Constraint => ({ constraint_type: 'one_of', values })
export const notOneOf = (...excluded: Scalar[]): Constraint => ({ constraint_type: 'not_one_of', excluded })
export const range = (bounds: Omit<Range, 'constraint_type'>): Constraint => ({ constraint_type: 'range', ...bounds })
export const prefix = (text: string): Constraint => ({ constraint_type: 'prefix', prefix: text })
export const contains = (...required: Scalar[]): Constraint => ({ constraint_type: 'contains', required })
export const subset = (...allowed: Scalar[]): Constraint => ({ constraint_type: 'subset', allowed })
export const all = (...constraints: Constraint[]): Constraint => ({ constraint_type: 'all', constraints })
export const any = (...constraints: Constraint[]): Constraint => ({ constraint_type: 'any', constraints })
export const optional = (constraint: Constraint) => ({ ...constraint, optional: true })

export const PAY = 'https://pay.acme.test#pay'

/** Returns the claim `authorization_details` for the member `tools`. */
export const detailsOf = (tools: unknown) => [{ type: DETAIL_TYPE, tools }]

/** Reads capabilities that are valid. */
export function capabilitiesOf(tools: object): Capabilities {
  const read = parseCapabilities(detailsOf(tools))
  if (!read.ok) throw new Error(`${read.reason}: ${read.rule}`)
  return read.value
}
