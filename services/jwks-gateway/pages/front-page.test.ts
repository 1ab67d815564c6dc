import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { rawExchange, startGateway } from '../../../test/support/gateway.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8' }

describe('the front page', () => {
  it('shows a browser the issuer and the first commands', async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://auth.example' })
    const answer = await fetch(`${url}/`, { headers: BROWSER })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(answer.headers.get('vary')).toBe('Accept')
    const html = await answer.text()
    expect(html).toContain('<code>https://auth.example</code>')
    expect(html).toContain('auth4agent init --operator --domain example.com --server https://auth.example\n')
    expect([rpc.calls, rpc.refused]).toEqual([[], []])
  })

  it.each([
    ['acme.test, and says that it needs no DNS record, on a server that confirms such domains', true, 'acme.test'],
    ['example.com, and says to write another domain, on other servers', false, 'example.com'],
  ])('uses %s', async (_name, testDomains, domain) => {
    const { url } = await startGateway({ testDomains })
    const html = await (await fetch(`${url}/`, { headers: BROWSER })).text()
    expect(html).toContain(
      testDomains ? 'without a DNS record' : 'your own domain in place of <code>example.com</code>',
    )
    const commands = [...html.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text = '']) => text)
    expect(commands[0]).toBe('export PATH="$PWD/node_modules/.bin:$PATH"')
    const names = commands.join('\n').match(/\b(?:acme\.test|example\.com)\b/g) ?? []
    expect([names.length, ...new Set(names)]).toEqual([4, domain])
  })

  it('does not wrap a command within a flag', async () => {
    const { url } = await startGateway()
    const html = await (await fetch(`${url}/`, { headers: BROWSER })).text()
    expect(/^pre \{[^}]*\}/m.exec(html)?.[0]).toMatch(/white-space: pre;\s+overflow-x: auto;/)
  })

  it('has a Content-Security-Policy that allows only its stylesheet, and has no script', async () => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/`, { headers: BROWSER })
    const html = await answer.text()
    const style = /<style>(.*?)<\/style>/s.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    expect(html).not.toMatch(/<script|\son[a-z]+=|\sstyle=|<img|<link/i)
  })

  it.each(['', '/a4a'])('has links that answer 200 if the issuer has the path "%s"', async (basePath) => {
    const { url } = await startGateway({ baseUrl: `https://auth.example${basePath}` })
    const pages = [`${url}/`, `${url}${basePath}`, `${url}${basePath}/`]
    for (const page of pages) {
      const html = await (await fetch(page, { headers: BROWSER })).text()
      const links = [...html.matchAll(/href="([^"]+)"/g)].map(([, link = '']) => link)
      expect(links).toEqual(
        [
          '/.well-known/auth4agent',
          '/.well-known/oauth-authorization-server',
          '/.well-known/jwks.json',
          '/docs',
          '/openapi.json',
          '/trust',
          '/health',
        ].map((to) => basePath + to),
      )
      for (const link of links) expect((await fetch(new URL(link, page))).status).toBe(200)
    }
  })

  it.each([undefined, '*/*', 'application/json', 'application/json, text/html;q=0.5', 'text/plain'])(
    'answers 404 to a caller that accepts %s',
    async (accept) => {
      const { port, rpc } = await startGateway()
      const header = accept === undefined ? '' : `accept: ${accept}\r\n`
      const answer = await rawExchange(port, `GET / HTTP/1.1\r\nhost: x\r\n${header}connection: close\r\n\r\n`)
      expect(answer).toContain('HTTP/1.1 404 Not Found')
      expect(answer).toContain('content-type: application/problem+json')
      expect(rpc.refused).toStrictEqual([{ reason: 'ROUTE_NOT_FOUND', rpc: 'none', source: '127.0.0.1' }])
    },
  )
})
