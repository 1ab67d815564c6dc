import type { Context } from '../context.ts'
import type { FlagTable } from '../flags.ts'
import { compact, plain } from '../text.ts'

/** One thing that happened: a title, what it means in a few lines, and the facts for programs. None of them is secret. */
export interface Told {
  /** Stable, for programs. */
  readonly step: string
  readonly title: string
  readonly lines: readonly string[]
  readonly facts: Readonly<Record<string, unknown>>
}

/** Tells what happened. */
export type Narrator = (told: Told) => void

/** Tells people in numbered paragraphs, or programs in lines of JSON. */
export function createNarrator({
  json,
  quiet,
  style,
  stdout,
}: Pick<Context<FlagTable>, 'json' | 'quiet' | 'style' | 'stdout'>): Narrator {
  let count = 0
  return ({ step, title, lines, facts }) => {
    count += 1
    if (json) return stdout.write(`${compact({ step, ...facts })}\n`)
    if (quiet) return
    const body = lines.map((line) => `    ${plain(line)}\n`).join('')
    stdout.write(`${style.bold(`${String(count).padStart(2)}. ${title}`)}\n${body}\n`)
  }
}
