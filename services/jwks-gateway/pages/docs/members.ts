import { type OpenApiDocument, type Parameter, referenced, type Schema } from '../../openapi/openapi-document.ts'
import { escapeHtml } from '../escape-html.ts'
import { inline } from './markdown.ts'

const PREFIX = '#/components/schemas/'
/** Names of the types of JSON Schema, for readers. */
const FORMATS: Readonly<Record<string, string>> = { 'date-time': 'time' }

/** Returns a list of parameters: name, place, type, and what each is. */
export function parameterList(parameters: readonly Parameter[]): string {
  return definitions(
    parameters.map(({ name, in: place, required = false, description = '', schema }) => ({
      name,
      type: `${place}, ${typeText(schema)}${required ? ', required' : ''}`,
      description,
    })),
  )
}

/** Returns the members of a schema, or its type if it has none. */
export function memberList(schema: Schema, { components }: OpenApiDocument): string {
  const { properties, required = [], ...rest } = resolved(schema, components.schemas)
  if (properties === undefined) return `<p class="shape">${typeText(rest)}</p>`
  const members = Object.entries(properties)
  if (members.length === 0) return '<p class="shape">An empty object</p>'
  return definitions(
    members.map(([name, member]) => ({
      name,
      type: `${typeText(member)}${required.includes(name) ? '' : ', optional'}`,
      description: member.description ?? '',
    })),
  )
}

/** Returns the schema that a reference points to, or the schema itself. */
function resolved(schema: Schema, schemas: OpenApiDocument['components']['schemas']): Schema {
  const target = schema.$ref === undefined ? undefined : schemas[referenced({ $ref: schema.$ref })]
  return target ?? schema
}

interface Definition {
  readonly name: string
  /** HTML. */
  readonly type: string
  readonly description: string
}

function definitions(entries: readonly Definition[]): string {
  const rows = entries.map(
    ({ name, type, description }) =>
      `<div><dt><code>${escapeHtml(name)}</code> <span class="type">${type}</span></dt><dd>${inline(description)}</dd></div>`,
  )
  return `<dl class="members">${rows.join('\n')}</dl>`
}

/** Returns the type of a value as HTML. The type of a component is a link to it. */
export function typeText(schema: Schema): string {
  const { $ref, anyOf, items, type, format = '', contentEncoding, enum: values } = schema
  if ($ref?.startsWith(PREFIX) === true) {
    const name = escapeHtml(referenced({ $ref }))
    return `<a href="#schema-${name}">${name}</a>`
  }
  if (anyOf !== undefined) return anyOf.map(typeText).join(' or ')
  if (items !== undefined) return `array of ${typeText(items)}`
  if ('const' in schema) return `<code>${escapeHtml(JSON.stringify(schema.const))}</code>`
  if (values !== undefined && values.length < 12)
    return values.map((value) => `<code>${escapeHtml(value)}</code>`).join(', ')
  if (contentEncoding !== undefined) return escapeHtml(contentEncoding)
  const names = [type ?? 'any JSON'].flat().map((name) => (name === 'string' ? (FORMATS[format] ?? 'text') : name))
  return names.map(escapeHtml).join(' or ')
}
