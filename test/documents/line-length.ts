import type { Markdown } from '../support/documents/markdown.ts'

/** Lines of prose end before this column. */
const END = 120

/**
 * Lists the lines of prose that are too long, one sentence each. Table rows and lines that are one link may be longer.
 */
export function longLines(path: string, { lines }: Markdown): readonly string[] {
  return lines
    .filter(({ text }) => text.length >= END && !/^\s*\|/.test(text) && !isOneLink(text))
    .map(({ text, number }) => `${path}:${number} has ${text.length} characters; prose ends before column ${END}`)
}

/** Tells whether a line is only one link, which cannot be split. A list mark or a picture mark may come before it. */
function isOneLink(text: string): boolean {
  return /^\s*(?:(?:[-*]|\d+\.) )?(?:\w+: )?!?(?:\[[^\]]*\]\([^)]*\)|<?https?:\S+>?)[.,;:]?$/.test(text)
}
