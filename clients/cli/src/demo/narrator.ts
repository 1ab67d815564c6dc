import type { Context } from '../context.ts'
import type { FlagTable } from '../flags.ts'
import { compact, plain } from '../text.ts'

/** One step of the demo: a title, a few lines that explain it, and facts for programs. Nothing in it is secret. */
export interface Told {
  /** Stable name, for programs. */
  readonly step: string
  /** The title of the act that begins with this step. */
  readonly act?: string | undefined
  readonly title: string
  readonly lines: readonly string[]
  readonly facts: Readonly<Record<string, unknown>>
}

/** Prints a step. */
export type Narrator = (told: Told) => void

/** Makes a narrator that prints numbered paragraphs for people, or lines of JSON for programs. */
export function createNarrator({
  json,
  quiet,
  style,
  stdout,
}: Pick<Context<FlagTable>, 'json' | 'quiet' | 'style' | 'stdout'>): Narrator {
  let count = 0
  return ({ step, act, title, lines, facts }) => {
    count += 1
    if (json) return stdout.write(`${compact({ step, ...facts })}\n`)
    if (quiet) return
    const body = lines.map((line) => `    ${plain(line)}\n`).join('')
    const heading = act === undefined ? '' : `${style.bold(`=== ${act} ===`)}\n\n`
    stdout.write(heading)
    stdout.write(`${style.bold(`${String(count).padStart(2)}. ${title}`)}\n${body}\n`)
  }
}
