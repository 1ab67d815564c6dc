/** A fenced block of code. */
export interface Block {
  /** What follows the opening fence: `sh`, `sh keys`; empty where nothing does. */
  readonly info: string
  readonly text: string
  /** The line of the opening fence, from 1. */
  readonly line: number
}

/** A line outside of code blocks. */
interface Line {
  readonly text: string
  /** From 1. */
  readonly number: number
}

/** A link or picture. */
interface Link {
  readonly target: string
  readonly line: number
}

/** A Markdown document, as far as the tests of documents look into one. */
export interface Markdown {
  readonly lines: readonly Line[]
  readonly blocks: readonly Block[]
  readonly links: readonly Link[]
  /** The anchors that its headings have on GitHub. */
  readonly anchors: ReadonlySet<string>
}

/** Reads a Markdown document. Throws RangeError for a block that never ends. */
export function parseMarkdown(text: string): Markdown {
  const { lines, blocks } = splitBlocks(text.split('\n'))
  return { lines, blocks, links: lines.flatMap(linksOf), anchors: anchorsOf(lines) }
}

function splitBlocks(all: readonly string[]): Pick<Markdown, 'lines' | 'blocks'> {
  const lines: Line[] = []
  const blocks: Block[] = []
  let open:
    | { readonly fence: string; readonly info: string; readonly line: number; readonly text: string[] }
    | undefined
  for (const [index, text] of all.entries()) {
    const [, fence = '', info = ''] = /^\s*(`{3,})(.*)$/.exec(text) ?? []
    if (open === undefined) {
      if (fence === '') lines.push({ text, number: index + 1 })
      else open = { fence, info: info.trim(), line: index + 1, text: [] }
    } else if (fence === open.fence && info === '') {
      blocks.push({ info: open.info, line: open.line, text: `${open.text.join('\n')}\n` })
      open = undefined
    } else {
      open.text.push(text)
    }
  }
  if (open !== undefined) throw new RangeError(`The block of line ${open.line} never ends`)
  return { lines, blocks }
}

function linksOf({ text, number }: Line): Link[] {
  const withoutCode = text.replaceAll(/`[^`]*`/g, '')
  return [...withoutCode.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => ({ target, line: number }))
}

/**
 * GitHub lowers a heading's letters, drops what is no letter, digit, space, hyphen or underscore, and numbers
 * repetitions.
 */
function anchorsOf(lines: readonly Line[]): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const { text } of lines) {
    const [, heading] = /^#{1,6} (.*)$/.exec(text) ?? []
    if (heading === undefined) continue
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    const taken = Array.from({ length: anchors.size + 1 }, (_, count) => (count === 0 ? slug : `${slug}-${count}`))
    anchors.add(taken.find((one) => !anchors.has(one)) ?? slug)
  }
  return anchors
}
