import { describe, expect, it } from 'vitest'
import type { OpenApiDocument, Operation } from '../../openapi/openapi-document.ts'
import { docsPage } from './page.ts'

const HOSTILE = '<script>alert(1)</script>" onclick="x'
const operation: Operation = {
  operationId: 'call',
  tags: ['Group'],
  summary: HOSTILE,
  description: `${HOSTILE}\n\n- \`${HOSTILE}\``,
  'x-callers': HOSTILE,
  'x-rpc': HOSTILE,
  security: [{ [HOSTILE]: [] }],
  parameters: [{ name: HOSTILE, in: 'query', description: HOSTILE, schema: { type: HOSTILE }, example: HOSTILE }],
  requestBody: {
    content: {
      [HOSTILE]: { schema: { properties: { [HOSTILE]: { enum: [HOSTILE] } } }, example: { [HOSTILE]: HOSTILE } },
    },
  },
  responses: {
    200: {
      description: HOSTILE,
      content: {
        [HOSTILE]: { schema: { const: HOSTILE }, example: HOSTILE, 'x-events': { [HOSTILE]: { $ref: HOSTILE } } },
      },
    },
    400: { description: HOSTILE, 'x-reasons': [HOSTILE] },
  },
}
const document: OpenApiDocument = {
  info: { title: HOSTILE, version: '1', description: HOSTILE },
  servers: [{ url: HOSTILE }],
  tags: [{ name: 'Group', description: HOSTILE }],
  paths: { [`/${HOSTILE}`]: { post: operation } },
  components: {
    securitySchemes: { [HOSTILE]: { description: HOSTILE } },
    parameters: {},
    responses: {},
    schemas: {
      [HOSTILE]: { description: HOSTILE, enum: [HOSTILE] },
      Other: { $ref: `#/components/schemas/${HOSTILE}` },
    },
  },
}

describe('docsPage', () => {
  it('escapes every text of the document', () => {
    const html = docsPage(document, `/${HOSTILE}`)
    expect(html).not.toContain('<script')
    expect(html).not.toContain('" onclick')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick=&quot;x')
  })

  it('writes the example of a request as HTTP has it: path and query in place, and a form encoded', () => {
    const example: Operation = {
      ...operation,
      parameters: [
        { name: 'id', in: 'path', required: true, schema: {}, example: 'a/b' },
        { name: 'scope', in: 'query', schema: {}, example: ['read', 'a b'] },
      ],
      requestBody: {
        content: {
          'application/x-www-form-urlencoded': { schema: {}, example: { token: 'x+y', resource: ['1', '2'] } },
        },
      },
    }
    const html = docsPage({ ...document, paths: { '/v1/{id}/x': { post: example } } }, '')
    expect(html).toContain(
      'POST /v1/a%2Fb/x?scope=read&amp;scope=a%20b\nContent-Type: application/x-www-form-urlencoded',
    )
    expect(html).toContain('\n\ntoken=x%2By\n&amp;resource=1\n&amp;resource=2</pre>')
  })

  it('does not show the same response for any other error in each call', () => {
    const responses = { ...operation.responses, default: { description: 'Any other error' } }
    const html = docsPage({ ...document, paths: { '/v1/x': { post: { ...operation, responses } } } }, '')
    expect(html).not.toContain('Any other error')
  })
})
