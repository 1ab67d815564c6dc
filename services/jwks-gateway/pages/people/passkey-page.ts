import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Route } from '../../../http-port/exchange.ts'
import { type GatewayContext, underIssuer } from '../../gateway-context.ts'
import { escapeHtml } from '../escape-html.ts'
import { PEOPLE_STYLE } from './style.ts'

const SCRIPT = readFileSync(new URL('./passkey-script.js', import.meta.url), 'utf8')
const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
/** The policy allows this script and this stylesheet by their hashes, and calls of the server. */
const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(PEOPLE_STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
}

/**
 * Makes the routes of the page on which an invited person makes a passkey. The invitation is in the fragment of its
 * URL, which browsers do not send. The page is the same for everybody.
 */
export function passkeyPageRoutes(context: GatewayContext): readonly Route[] {
  const body = passkeyPage(new URL(context.config.baseUrl).host)
  const handle: Route['handle'] = async () => ({ status: 200, headers: HEADERS, body })
  return underIssuer(context, '/people/passkey').map((path) => ({ verb: 'GET', path, handle }))
}

function passkeyPage(host: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Make your passkey</title>
<style>${PEOPLE_STYLE}</style>
</head>
<body>
<main>
<p class="mark">${escapeHtml(host)}</p>
<h1 id="title">Make your passkey</h1>
<p class="lead" id="lead"><b id="operator">Your team</b> invites you. Your device keeps the passkey, so there is no file and no password.</p>
<noscript><p class="message stop">This page needs JavaScript, because only a script can ask your device for a passkey.</p></noscript>
<section id="terms" hidden>
<h2>Whose it is</h2>
<p id="label"></p>
<h2>What it lets you do</h2>
<ul id="roles"></ul>
</section>
<button id="make" type="button" disabled>Make the passkey</button>
<div id="message" class="message" role="status" hidden></div>
<p class="note" id="note">Your device asks twice: first to make the passkey, then to prove that it works. Confirm only if you know the
person who sent you the link.</p>
</main>
<script type="module">${SCRIPT}</script>
</body>
</html>
`
}
