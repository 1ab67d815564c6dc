import { xmlText } from '../../../platform/layout/safe-text.ts'
import { TRUST_STYLE } from './style.ts'

/** Returns a page, which is also well-formed XML. The caller escapes the content. */
export function document(title: string, content: string): string {
  return `<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="robots" content="noindex"/>
<title>${xmlText(title)}</title>
<style>${TRUST_STYLE}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`
}
