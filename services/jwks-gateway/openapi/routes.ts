import { readFile } from 'node:fs/promises'
import type { Route } from '../../http-port/exchange.ts'
import { type GatewayContext, underIssuer } from '../gateway-context.ts'
import { docsPage } from '../pages/docs/page.ts'
import { DOCS_POLICY } from '../pages/docs/style.ts'
import { cacheable, entityTag } from '../well-known/well-known.ts'
import type { OpenApiDocument } from './openapi-document.ts'

const DOCUMENT = new URL('../../../gen/openapi.json', import.meta.url)
/** The time in seconds for which clients may cache the document and the page. */
const MAX_AGE_S = 300
const HTML_HEADERS = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': DOCS_POLICY }

/** A text with its entity tag. */
interface Tagged {
  readonly body: string
  readonly tag: string
}

/**
 * Makes the routes of the OpenAPI document and of the page that shows it, at the root and under the issuer's path. The
 * first request reads the document, so that the server starts no later because of it.
 */
export function openApiRoutes(context: GatewayContext): readonly Route[] {
  const read = async (): Promise<OpenApiDocument> => {
    const document: OpenApiDocument = JSON.parse(await readFile(DOCUMENT, 'utf8'))
    return { ...document, servers: [{ url: context.config.baseUrl }] }
  }
  const readJson = onFirstCall(async () => JSON.stringify(await read()))
  const readPage = onFirstCall(async () => docsPage(await read(), context.basePath))
  const json: Route['handle'] = async ({ request }) => {
    const { body, tag } = await readJson()
    return cacheable(request, body, tag, MAX_AGE_S)
  }
  const page: Route['handle'] = async ({ request }) => {
    const { body, tag } = await readPage()
    const answer = cacheable(request, body, tag, MAX_AGE_S)
    return { ...answer, headers: { ...answer.headers, ...HTML_HEADERS } }
  }
  return [
    ...underIssuer(context, '/openapi.json').map((path) => ({ verb: 'GET', path, isCrossOrigin: true, handle: json })),
    ...underIssuer(context, '/docs').map((path) => ({ verb: 'GET', path, handle: page })),
  ]
}

/** Makes a text on the first call and keeps it. A call after a failure tries again. */
function onFirstCall(make: () => Promise<string>): () => Promise<Tagged> {
  let made: Promise<Tagged> | undefined
  return () => {
    made ??= make().then(
      (body) => ({ body, tag: entityTag(body) }),
      (error: unknown) => {
        made = undefined
        throw error
      },
    )
    return made
  }
}
