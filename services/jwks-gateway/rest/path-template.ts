import type { DescField, DescMessage } from '@bufbuild/protobuf'

/** A path in the proto files, such as `/v1/agent/{did}`. */
export interface PathTemplate {
  /** The path as the proto file writes it. */
  readonly template: string
  /** The fields that the path binds, in the order of the path. */
  readonly fields: readonly DescField[]
}

const LITERAL = /^[A-Za-z0-9._~-]+(?::[a-z-]+)?$/
const VARIABLE = /^\{([a-z0-9_]+)\}$/

/**
 * Parses the path of a `google.api.http` binding: literal segments, which may end with a custom verb such as
 * `:dry-run`, and `{field}` for one segment. Throws Error for paths that REST cannot serve (wildcards, nested fields)
 * and for unknown fields.
 */
export function parsePathTemplate(template: string, input: DescMessage): PathTemplate {
  const fields: DescField[] = []
  for (const segment of template.split('/').slice(1)) {
    const name = VARIABLE.exec(segment)?.[1]
    if (name !== undefined) fields.push(fieldOf(input, name))
    else if (!LITERAL.test(segment)) {
      throw new Error(`REST cannot serve the path ${template} of ${input.typeName}`)
    }
  }
  return { template, fields }
}

/** Returns the field of a message by its proto name. Throws Error if there is none. */
export function fieldOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name)
  if (field === undefined) throw new Error(`${message.typeName} has no field ${name}`)
  return field
}
