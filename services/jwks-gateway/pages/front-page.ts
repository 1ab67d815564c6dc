import type { MediaType } from '../../calls/resource.ts'
import { EarlyRefusal, type Route } from '../../http-port/exchange.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type GatewayContext, underIssuer } from '../gateway-context.ts'
import { negotiate } from '../rest/negotiate.ts'
import { escapeHtml } from './escape-html.ts'
import { pagePolicy, STYLE } from './style.ts'

const JSON_TYPE: MediaType = { type: 'application', subtype: 'json' }
const HTML_TYPE: MediaType = { type: 'text', subtype: 'html' }

/**
 * Makes the routes of the front page, at the root and under the issuer's path. A caller that does not prefer HTML gets
 * 404, as at any path without a route.
 */
export function frontPageRoutes(context: GatewayContext): readonly Route[] {
  const { basePath, config } = context
  const body = frontPage(config.baseUrl, basePath, config.testDomains === true)
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy(STYLE, "'none'") }
  const handle: Route['handle'] = async (exchange) => {
    exchange.headers['vary'] = 'Accept'
    const isHtml = negotiate(exchange.request.headers.accept, [JSON_TYPE, HTML_TYPE]) === 1
    if (!isHtml) throw new EarlyRefusal(new ApiError('ROUTE_NOT_FOUND'))
    return { status: 200, headers, body }
  }
  const paths = new Set([...underIssuer(context, '/'), ...(basePath === '' ? [] : [basePath])])
  return [...paths].map((path) => ({ verb: 'GET', path, handle }))
}

const TEST_DOMAIN =
  'This server confirms domains under <code>.test</code> without a DNS record. You can try these commands as they are.'
const OWN_DOMAIN =
  'Write your own domain in place of <code>example.com</code>. Before the command with <code>confirm</code>, publish the TXT record that the command with <code>show-proof</code> prints.'

/** Returns the page that a browser shows: what this server is, where its documents are, and how to start. */
function frontPage(issuer: string, basePath: string, testDomains: boolean): string {
  const domain = testDomains ? 'acme.test' : 'example.com'
  const safeIssuer = escapeHtml(issuer)
  const link = (path: string, text: string) => `<a href="${escapeHtml(basePath + path)}">${text}</a>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Auth4Agent</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Auth4Agent</h1>
<p class="lead">This is an authentication server for autonomous agents. An operator proves its domain in DNS. An agent signs in
with its own key and gets a short-lived token with scopes. A service verifies the token.</p>

<h2>This server</h2>
<div class="sheet"><dl>
<div><dt>Issuer</dt><dd><code>${safeIssuer}</code></dd></div>
<div><dt>${link('/.well-known/auth4agent', 'Discovery')}</dt><dd>Endpoints, algorithms and lifetimes, as JSON</dd></div>
<div><dt>${link('/.well-known/oauth-authorization-server', 'OAuth')}</dt><dd>The metadata for OAuth and MCP clients (docs/oauth.md)</dd></div>
<div><dt>${link('/.well-known/jwks.json', 'Public keys')}</dt><dd>The JWKS to verify tokens with</dd></div>
<div><dt>${link('/docs', 'API')}</dt><dd>Every call, its fields and its errors. Also as ${link('/openapi.json', 'OpenAPI 3.1')}</dd></div>
<div><dt>${link('/trust', 'Trust graph')}</dt><dd>The public statements of operators about each other</dd></div>
<div><dt>${link('/health', 'Health')}</dt><dd>Whether the server process is running</dd></div>
</dl></div>

<h2>Get started</h2>
<p>${testDomains ? TEST_DOMAIN : OWN_DOMAIN}</p>
${step('The command line tool comes with the server. Put it on the PATH, in the folder of the server', [
  'export PATH="$PWD/node_modules/.bin:$PATH"',
])}
${step('The operator makes a key, registers its domain and proves it', [
  `auth4agent init --operator --domain ${domain} --server ${safeIssuer}`,
  'auth4agent operator register',
  'auth4agent operator show-proof',
  'auth4agent operator confirm',
])}
${step('An agent makes its own key. The operator registers it and grants it scopes', [
  'auth4agent init',
  'auth4agent agent register',
  'auth4agent scope set --scope orders:read',
])}
${step('The agent gets a token for one audience', [
  `auth4agent token issue --scope orders:read --aud https://api.${domain} --output token`,
])}
${step('A service verifies the token, here online', [
  `auth4agent token verify --online --token @token --aud https://api.${domain} --operator ${domain}`,
])}
<footer>The README of the server explains these steps. All calls are available over REST, gRPC, Connect and gRPC-Web, and
tokens over OAuth too.</footer>
</main>
</body>
</html>
`
}

/** Returns the HTML of one step: a title and commands that one click selects. The caller must escape both. */
function step(title: string, commands: readonly string[]): string {
  return `<h3>${title}</h3>\n<pre>${commands.join('\n')}</pre>`
}
