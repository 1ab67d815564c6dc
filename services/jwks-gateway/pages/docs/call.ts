import {
  type Call,
  type Content,
  type OpenApiDocument,
  type Operation,
  type Parameter,
  type Response,
  referenced,
} from '../../openapi/openapi-document.ts'
import { escapeHtml } from '../escape-html.ts'
import { blocks, inline } from './markdown.ts'
import { memberList, parameterList, typeText } from './members.ts'

/** Returns the HTML of one call. What not everybody needs is in a part that a reader opens. */
export function callArticle({ verb, path, operation }: Call, document: OpenApiDocument): string {
  const { operationId, summary, description = '' } = operation
  const id = `call-${escapeHtml(operationId)}`
  const parameters = parametersOf(operation, document)
  return `<article aria-labelledby="${id}">
<h3 id="${id}"><span class="verb ${verb.toLowerCase()}">${verb}</span> <code>${breakable(path)}</code></h3>
<p class="summary">${inline(summary)}.</p>
<p class="who"><span>Who may call:</span> ${inline(operation['x-callers'])}</p>
<details>
<summary>Fields, examples and errors<span class="hidden"> of ${verb} ${escapeHtml(path)}</span></summary>
${blocks(description)}
${parameters.length === 0 ? '' : `<h4>Parameters</h4>${parameterList(parameters)}`}
${operation.requestBody === undefined ? '' : `<h4>Body</h4>${content(operation.requestBody.content, document)}`}
${requestExample({ verb, path, operation }, parameters)}
${answers(operation, document)}
${schemes(operation)}
</details>
</article>`
}

/** Lets a long path break after each slash. */
function breakable(path: string): string {
  return escapeHtml(path).replaceAll('/', '/<wbr>')
}

function parametersOf({ parameters = [] }: Operation, { components }: OpenApiDocument): readonly Parameter[] {
  return parameters.flatMap((each) => ('$ref' in each ? (components.parameters[referenced(each)] ?? []) : each))
}

function content(types: Content, document: OpenApiDocument): string {
  return Object.entries(types)
    .map(([mediaType, { schema, 'x-events': events }]) => {
      const shape =
        events === undefined
          ? memberList(schema, document)
          : `<ul>${Object.entries(events)
              .map(([name, data]) => `<li>Event <code>${escapeHtml(name)}</code>: ${typeText(data)}</li>`)
              .join('')}</ul>`
      return `<p class="media"><code>${escapeHtml(mediaType)}</code></p>${shape}`
    })
    .join('\n')
}

/** Returns the example of a request as HTTP has it. */
function requestExample({ verb, path, operation }: Call, parameters: readonly Parameter[]): string {
  const [body] = Object.entries(operation.requestBody?.content ?? {})
  const given = parameters.filter(({ example }) => example !== undefined)
  if (body?.[1].example === undefined && given.length === 0) return ''
  const target = given
    .filter((each) => each.in === 'path')
    .reduce((text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(String(example))), path)
  const query = given
    .filter((each) => each.in === 'query')
    .flatMap(({ name, example }) => [example].flat().map((value) => `${name}=${encodeURIComponent(String(value))}`))
  const lines = [`${verb} ${target}${query.length === 0 ? '' : `?${query.join('&')}`}`]
  if (body?.[1].example !== undefined) {
    const [mediaType, { example }] = body
    lines.push(`Content-Type: ${mediaType}`, '', bodyText(mediaType, example))
  }
  return `<h4>Example</h4>${code(lines.join('\n'), 'Example of a request')}`
}

function bodyText(mediaType: string, example: unknown): string {
  if (mediaType.endsWith('json')) return JSON.stringify(example, undefined, 2)
  if (typeof example === 'string') return example
  return Object.entries(Object(example))
    .flatMap(([name, value]) => [value].flat().map((each) => `${name}=${encodeURIComponent(String(each))}`))
    .join('\n&')
}

/** A part that scrolls must be reachable with the keyboard. */
function code(text: string, label: string): string {
  return `<pre tabindex="0" role="group" aria-label="${label}">${escapeHtml(text)}</pre>`
}

/** Returns the answers: those of success with their fields, and the errors by status. */
function answers({ responses }: Operation, document: OpenApiDocument): string {
  const known = Object.entries(responses).map(
    ([status, each]) => [status, '$ref' in each ? document.components.responses[referenced(each)] : each] as const,
  )
  const successes: string[] = []
  const errors: string[] = []
  for (const [status, response] of known) {
    if (response === undefined || status === 'default') continue
    if (response['x-reasons'] === undefined) successes.push(success(status, response, document))
    else errors.push(`<h5>${status}</h5>${blocks(response.description)}`)
  }
  return `${successes.join('\n')}${errors.length === 0 ? '' : `<h4>Errors</h4><div class="errors">${errors.join('\n')}</div>`}`
}

function success(status: string, { description, content: types = {} }: Response, document: OpenApiDocument): string {
  const examples = Object.entries(types).flatMap(([mediaType, { example }]) =>
    example === undefined ? [] : [code(bodyText(mediaType, example), 'Example of an answer')],
  )
  const note = status.startsWith('2') ? '' : `<p>${inline(description)}</p>`
  return `<h4>Answer ${status}</h4>${note}${content(types, document)}${examples.join('')}`
}

/** Names the ways to authenticate, if there are any. */
function schemes({ security, 'x-rpc': rpc }: Operation): string {
  const names = security.flatMap((each) => Object.keys(each)).map(escapeHtml)
  const links = names.map((name) => `<a href="#scheme-${name}">${name}</a>`).join(' or ')
  const isOptional = security.some((each) => Object.keys(each).length === 0)
  const how = links === '' ? '' : `<p>Authentication: ${links}${isOptional ? ', or none' : ''}.</p>`
  return `${how}${rpc === undefined ? '' : `<p>Over gRPC and Connect: <code>${breakable(rpc)}</code></p>`}`
}
