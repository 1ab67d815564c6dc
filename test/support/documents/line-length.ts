import type { Markdown } from './markdown.ts'

/** Lines of prose end before this column. */
const END = 120

/**
 * The lines of prose that are too long, one sentence each. Rows of tables and lines that are one link may be longer.
 */
export function longLines(path: string, { lines }: Markdown): readonly string[] {
  return lines
    .filter(({ text }) => text.length >= END && !/^\s*\|/.test(text) && !isOneLink(text))
    .map(({ text, number }) => `${path}:${number} has ${text.length} characters; prose ends before column ${END}`)
}

/** A link that cannot be broken, with what stands before it in a list or a picture. */
function isOneLink(text: string): boolean {
  return /^\s*(?:(?:[-*]|\d+\.) )?(?:\w+: )?!?(?:\[[^\]]*\]\([^)]*\)|<?https?:\S+>?)[.,;:]?$/.test(text)
}
