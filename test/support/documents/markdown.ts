/** A fenced block of code. */
export interface Block {
  /** The text after the opening fence, such as `sh` or `sh keys`; empty if there is none. */
  readonly info: string
  readonly text: string
  /** The number of the line with the opening fence. The first line has number 1. */
  readonly line: number
}

/** A line outside of code blocks. */
interface Line {
  readonly text: string
  /** The number of the line. The first line has number 1. */
  readonly number: number
}

/** A link or picture. */
interface Link {
  readonly target: string
  readonly line: number
}

/** The parts of a Markdown document that the tests of documents check. */
export interface Markdown {
  readonly lines: readonly Line[]
  readonly blocks: readonly Block[]
  readonly links: readonly Link[]
  /** The anchors that GitHub gives to the headings of the document. */
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
 * Returns the anchors of the headings. GitHub writes a heading in lower case, drops every character except letters,
 * digits, spaces, hyphens and underscores, and adds a number to repeated headings.
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
