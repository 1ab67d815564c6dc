import type { Base, Io } from './context.ts'
import type { FlagValues } from './flags.ts'
import { showProgress } from './progress.ts'
import { createStyle, wantsColours } from './style.ts'
import { compact, plain } from './text.ts'

/** The outputs of a command. */
export type Output = Pick<Base, 'json' | 'quiet' | 'style' | 'answer' | 'note' | 'progress'>

/** Creates the outputs of a run according to its flags. */
export function createOutput(
  values: FlagValues,
  { stdout, stderr, env }: Pick<Io, 'stdout' | 'stderr' | 'env'>,
): Output {
  const json = values.has('json')
  const quiet = values.has('quiet')
  const remarks = !json && !quiet
  return {
    json,
    quiet,
    style: createStyle(!json && !values.has('no-color') && wantsColours(stdout.isTerminal, env)),
    answer(value, text, result) {
      if (json) return stdout.write(`${compact(value)}\n`)
      if (!quiet) return stdout.write(`${text}\n`)
      if (typeof result === 'string') return stdout.write(`${result}\n`)
      for (const line of result) stdout.write(`${plain(line)}\n`)
    },
    note: (text) => (remarks ? stderr.write(`${plain(text)}\n`) : undefined),
    progress: (what, work) => (remarks ? showProgress(stderr, what, work) : work),
  }
}
