import type { DescField, DescMethod } from '@bufbuild/protobuf'
import { fieldRows } from '../../contract/cases/field-rows.ts'
import { nameOf } from './schemas.ts'

/** Fields that a grant type of the same call does without. */
const ONLY_SOMETIMES = new Set([
  'auth4agent.v1.TokenRequest.client_assertion',
  'auth4agent.v1.TokenRequest.client_assertion_type',
])

/**
 * Returns the full names of the request fields that the server refuses to miss, from the table of the contract tests.
 * A message that several requests contain must need its field in all of them.
 */
export function requiredFields(methods: readonly DescMethod[]): ReadonlySet<string> {
  const verdicts = Object.entries(fieldRows).flatMap(([path, { absent }]): [string, boolean][] => {
    const field = fieldAt(methods, path)
    return field === undefined ? [] : [[nameOf(field), absent !== undefined]]
  })
  const optional = new Set([...ONLY_SOMETIMES, ...verdicts.filter(([, isNeeded]) => !isNeeded).map(([name]) => name)])
  return new Set(verdicts.map(([name]) => name).filter((name) => !optional.has(name)))
}

/** Returns the field at a path such as `SetOperatorPolicyRequest.policy.audiences`. */
function fieldAt(methods: readonly DescMethod[], path: string): DescField | undefined {
  const [first, ...names] = path.split('.')
  let message = methods.find(({ input }) => input.name === first)?.input
  let field: DescField | undefined
  for (const name of names) {
    field = message?.fields.find((candidate) => candidate.name === name)
    message = field?.message
  }
  return field
}
