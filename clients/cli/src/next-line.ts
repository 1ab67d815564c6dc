import type { Place } from './context.ts'

/** Characters that no shell changes. */
const SAFE = /^[\w./:@%+=,~-]+$/

/**
 * Returns a command line to paste next, which uses the folder or context of this run. What the environment or
 * `context use` has chosen counts in the next run too.
 */
export function nextLine({ chosenBy, folder, context }: Place, words: string): string {
  const where =
    chosenBy === '--config'
      ? ` --config ${quoted(folder)}`
      : chosenBy === '--context' && context !== undefined
        ? ` --context ${context}`
        : ''
  return `auth4agent ${words}${where}`
}

/** Returns the lines that approve and send a prepared request. Others approve it, with folders of their own. */
export function approvalLines(place: Place, file: string): string {
  const send = nextLine(place, `request send ${quoted(file)} --approval APPROVAL`)
  return `auth4agent request approve ${quoted(file)} --output APPROVAL\n${send}`
}

/** Quotes a word for a shell, if it needs quotes. */
export function quoted(text: string): string {
  return SAFE.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
