import type { Answer } from '../../../http-port/exchange.ts'
import { xmlText } from '../../../platform/layout/safe-text.ts'
import { pagePolicy } from '../style.ts'
import { PEOPLE_STYLE } from './style.ts'

/** The page of one answer. The caller escapes the content. */
interface Page {
  readonly title: string
  readonly content: string
  /** Where the browser goes at once. */
  readonly next?: string
}

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': pagePolicy(PEOPLE_STYLE, "'self'"),
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  // With no-referrer, a browser would send `Origin: null` with a form (Fetch standard, appending Origin).
  'referrer-policy': 'same-origin',
}

/** Returns a page without any script, which no other site can frame. */
export function pageAnswer(
  host: string,
  { title, content, next }: Page,
  { status = 200, cookies = [], headers = {} }: Partial<Omit<Answer, 'body'>> = {},
): Answer {
  // A redirect after a form would be held against form-action, also where the provider redirects next.
  const refresh = next === undefined ? '' : `<meta http-equiv="refresh" content="0; url=${xmlText(next)}">\n`
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${refresh}<title>${xmlText(title)}</title>
<style>${PEOPLE_STYLE}</style>
</head>
<body>
<main>
<p class="mark">${xmlText(host)}</p>
<h1>${xmlText(title)}</h1>
${content}
</main>
</body>
</html>
`
  return { status, headers: { ...headers, ...HEADERS }, cookies, body }
}

/** Returns a redirect, for an answer to a GET. */
export function redirectAnswer(location: string, cookies: readonly string[] = []): Answer {
  return { status: 302, headers: { ...HEADERS, location }, cookies, body: '' }
}
