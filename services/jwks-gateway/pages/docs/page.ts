import { type Call, callsOf, type OpenApiDocument } from '../../openapi/openapi-document.ts'
import { escapeHtml } from '../escape-html.ts'
import { callArticle } from './call.ts'
import { blocks, inline } from './markdown.ts'
import { memberList, typeText } from './members.ts'
import { DOCS_STYLE } from './style.ts'

/** The calls of one tag. */
interface Group {
  readonly id: string
  /** HTML. */
  readonly title: string
  readonly description: string
  readonly calls: readonly Call[]
}

/** Returns the page that shows an OpenAPI document. It needs no script and no other file. */
export function docsPage(document: OpenApiDocument, basePath: string): string {
  const groups = groupsOf(document)
  const issuer = escapeHtml(document.servers[0]?.url ?? '')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API of ${issuer}</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>API</h1>
<p class="lead">Every call of <code>${issuer}</code> over HTTP. <a href="${escapeHtml(basePath)}/openapi.json">The same as OpenAPI 3.1</a>
for programs. <a href="${escapeHtml(basePath)}/">The front page</a></p>
</header>
<div class="columns">
${contents(groups)}
<main id="content" tabindex="-1">
<section aria-labelledby="about">
<h2 id="about">About all calls</h2>
${blocks(document.info.description)}
</section>
${authentication(document)}
${groups.map((group) => section(group, document)).join('\n')}
${schemaSection(document)}
</main>
</div>
</body>
</html>
`
}

function groupsOf(document: OpenApiDocument): readonly Group[] {
  const calls = callsOf(document)
  return document.tags.map(({ name, description }) => ({
    id: `group-${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`,
    title: escapeHtml(name),
    description,
    calls: calls.filter(({ operation }) => operation.tags.includes(name)),
  }))
}

function contents(groups: readonly Group[]): string {
  const entries = groups.map(({ id, title, calls }) => {
    const links = calls.map(
      ({ verb, path, operation }) =>
        `<li><a href="#call-${escapeHtml(operation.operationId)}"><span class="verb ${verb.toLowerCase()}">${verb}</span> ${escapeHtml(path).replaceAll('/', '/<wbr>')}</a></li>`,
    )
    return `<li><a href="#${id}">${title}</a>
<details><summary>${calls.length} ${calls.length === 1 ? 'call' : 'calls'}<span class="hidden"> of ${title}</span></summary><ul>${links.join('')}</ul></details></li>`
  })
  return `<nav aria-label="Contents">
<ul>
<li><a href="#about">About all calls</a></li>
<li><a href="#authentication">Authentication</a></li>
${entries.join('\n')}
<li><a href="#objects">Objects</a></li>
</ul>
</nav>`
}

function authentication({ components }: OpenApiDocument): string {
  const schemes = Object.entries(components.securitySchemes).map(
    ([name, { description }]) =>
      `<div id="scheme-${escapeHtml(name)}"><dt><code>${escapeHtml(name)}</code></dt><dd>${inline(description)}</dd></div>`,
  )
  return `<section aria-labelledby="authentication">
<h2 id="authentication">Authentication</h2>
<p>An agent authenticates in the request itself: it signs a challenge, or a client assertion under <code>/oauth/</code>.</p>
<dl class="members">${schemes.join('\n')}</dl>
</section>`
}

function section({ id, title, description, calls }: Group, document: OpenApiDocument): string {
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${blocks(description)}
${calls.map((call) => callArticle(call, document)).join('\n')}
</section>`
}

/** Shows the objects that other objects contain. Each call shows its own request and answer. */
function schemaSection(document: OpenApiDocument): string {
  const objects = Object.entries(document.components.schemas).map(([name, schema]) => {
    const id = `schema-${escapeHtml(name)}`
    const shape =
      schema.properties === undefined ? `<p class="shape">${typeText(schema)}</p>` : memberList(schema, document)
    const values =
      schema.enum === undefined
        ? shape
        : `<p class="values">${schema.enum.map((value) => `<code>${escapeHtml(value)}</code>`).join(' ')}</p>`
    return `<article aria-labelledby="${id}">
<h3 id="${id}"><code>${escapeHtml(name)}</code></h3>
${blocks(schema.description ?? '')}
${values}
</article>`
  })
  return `<section aria-labelledby="objects">
<h2 id="objects">Objects</h2>
${objects.join('\n')}
</section>`
}
