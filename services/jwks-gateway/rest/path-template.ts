import type { DescField, DescMessage } from '@bufbuild/protobuf'

/** A path of the contract, such as `/v1/agent/{did}`. */
export interface PathTemplate {
  /** As the contract writes it. */
  readonly template: string
  /** The fields that the path binds, in the path's order. */
  readonly fields: readonly DescField[]
}

const LITERAL = /^[A-Za-z0-9._~-]+$/
const VARIABLE = /^\{([a-z0-9_]+)\}$/

/**
 * Parses the path of a `google.api.http` binding: literal segments and `{field}`, each one segment long. Throws Error for
 * what REST does not serve here (wildcards, custom verbs, nested fields) and for fields the message does not have.
 */
export function parsePathTemplate(template: string, input: DescMessage): PathTemplate {
  const fields: DescField[] = []
  for (const segment of template.split('/').slice(1)) {
    const name = VARIABLE.exec(segment)?.[1]
    if (name !== undefined) fields.push(fieldOf(input, name))
    else if (!LITERAL.test(segment)) {
      throw new Error(`the path ${template} of ${input.typeName} is not one that REST serves`)
    }
  }
  return { template, fields }
}

/** The field of a message by its proto name. Throws Error when there is none. */
export function fieldOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name)
  if (field === undefined) throw new Error(`${message.typeName} has no field ${name}`)
  return field
}
