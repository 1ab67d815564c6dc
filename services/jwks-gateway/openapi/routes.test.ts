import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../../../test/support/gateway.ts'
import { callsOf, type OpenApiDocument } from './openapi-document.ts'

const read = async (url: string): Promise<OpenApiDocument> =>
  JSON.parse(await (await fetch(`${url}/openapi.json`)).text())
const headersOf = (answer: Response, ...names: string[]) => names.map((name) => answer.headers.get(name))

const page = async (config = {}) => {
  const { url } = await startGateway(config)
  const answer = await fetch(`${url}/docs`)
  return { url, answer, html: await answer.text() }
}

describe('GET /openapi.json', () => {
  it('answers with the document of the repository, with the issuer as server', async () => {
    const { url } = await startGateway({ baseUrl: 'https://auth.example/a4a' })
    for (const path of ['', '/a4a']) {
      const document = await read(url + path)
      expect(document.servers).toEqual([{ url: 'https://auth.example/a4a' }])
      expect(callsOf(document).length).toBeGreaterThan(100)
    }
  })

  it('may be cached, and may be read by scripts of any origin', async () => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/openapi.json`)
    expect(headersOf(answer, 'content-type', 'cache-control', 'access-control-allow-origin')).toEqual([
      'application/json',
      'public, max-age=300',
      '*',
    ])
    expect((await fetch(`${url}/openapi.json`, { method: 'OPTIONS' })).status).toBe(204)
    const again = await fetch(`${url}/openapi.json`, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })

  it('has another entity tag for another issuer', async () => {
    const tags = await Promise.all(
      ['https://a.example', 'https://b.example'].map(async (baseUrl) => {
        const { url } = await startGateway({ baseUrl })
        return (await fetch(`${url}/openapi.json`)).headers.get('etag')
      }),
    )
    expect(new Set(tags).size).toBe(2)
  })
})

describe('GET /docs', () => {
  it('shows every call of the document with its method, its path and its callers', async () => {
    const { url, html } = await page()
    for (const { verb, path, operation } of callsOf(await read(url))) {
      const id = `call-${operation.operationId}`
      const start = html.indexOf(`<h3 id="${id}">`)
      const article = html.slice(start, html.indexOf('</article>', start)).replaceAll('<wbr>', '')
      expect(article).toContain(`>${verb}</span> <code>${path}</code>`)
      expect(article).toContain('Who may call:</span>')
      expect(html).toContain(`href="#${id}"`)
    }
  })

  it('shows the fields, an example and the reasons of a call', async () => {
    const { html } = await page()
    const start = html.indexOf('id="call-revokeToken"')
    const article = html.slice(start, html.indexOf('</article>', start))
    for (const text of ['<code>jti</code>', 'POST /v1/revoke/token', '<code>TOKEN_NOT_OURS</code>', 'Answer 200'])
      expect(article).toContain(text)
  })

  it('has a Content-Security-Policy that allows only its stylesheet, and loads nothing else', async () => {
    const { answer, html } = await page()
    const style = /<style>(.*?)<\/style>/s.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headersOf(answer, 'content-type', 'content-security-policy')).toEqual([
      'text/html; charset=utf-8',
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    ])
    expect(html).not.toMatch(/<script|<[^>]*\s(?:on[a-z]+|style|src)=|<img|<link|@import|url\(/i)
  })

  it('has ids that are unique, and links that lead to them', async () => {
    const { html } = await page()
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id)
    expect(ids.length).toBe(new Set(ids).size)
    const targets = [...html.matchAll(/href="#([^"]+)"|aria-labelledby="([^"]+)"/g)].map(([, a, b]) => a ?? b ?? '')
    expect(targets.filter((target) => !ids.includes(target))).toEqual([])
  })

  it('has landmarks, a skip link, and headings that skip no level', async () => {
    const { html } = await page()
    expect(html).toMatch(/<body>\s*<a class="skip" href="#content">/)
    for (const landmark of ['<html lang="en">', '<header>', '<nav aria-label="Contents">', '<main id="content"'])
      expect(html.split(landmark)).toHaveLength(2)
    const levels = [...html.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level))
    expect(levels.filter((level) => level === 1)).toHaveLength(1)
    const jumps = levels.filter((level, index) => index > 0 && level - (levels[index - 1] ?? 0) > 1)
    expect(jumps).toEqual([])
  })

  it('names the issuer, and links to the document under its path', async () => {
    const { html } = await page({ baseUrl: 'https://auth.example/a4a' })
    expect(html).toContain('<code>https://auth.example/a4a</code>')
    expect(html).toContain('href="/a4a/openapi.json"')
  })

  it('may be cached', async () => {
    const { url, answer } = await page()
    const headers = { 'if-none-match': answer.headers.get('etag') ?? '' }
    expect((await fetch(`${url}/docs`, { headers })).status).toBe(304)
  })
})
