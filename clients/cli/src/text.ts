/** Writes lines of `name: value` for people, with {@link plain} values. It omits empty values. */
export function lines(values: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) =>
      value === undefined || value === null || value === '' ? [] : [`${name}: ${plain(String(value))}`],
    )
    .join('\n')
}

/** Writes the members of an answer as {@link lines}, lists separated by spaces. It omits what is not set. */
export function facts(answer: object): string {
  const entries = Object.entries(answer).map(([name, value]): [string, string] => {
    if (Array.isArray(value)) return [name, value.map(String).join(' ')]
    const isEmpty = value === null || value === undefined || value === false || value === 0
    return [name, isEmpty ? '' : typeof value === 'object' ? compact(value) : String(value)]
  })
  return lines(Object.fromEntries(entries))
}

/** Writes rows as aligned columns for people, with {@link plain} cells. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, index) => Math.max(all[index] ?? 0, cell.length)),
    [],
  )
  return rows
    .map((row) =>
      row
        .map((cell, index) => plain(cell).padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Breaks a text into lines of at most `width` columns. A longer word keeps a line of its own. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}

/** Characters that may move the cursor or change the direction of text (Unicode TR 36 section 3.1). */
const TRICKS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Replaces control characters in a text, so that a server cannot control the terminal. */
export function plain(text: string): string {
  return text.replaceAll(TRICKS, '?')
}

/** Writes JSON in one line. It escapes control characters, which a JSON parser reads as the same text. */
export function compact(value: unknown): string {
  return escaped(JSON.stringify(value))
}

/** Writes indented JSON for people, as version 1 does. It escapes like {@link compact}. */
export function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).split('\n').map(escaped).join('\n')
}

function escaped(json: string): string {
  return json.replaceAll(TRICKS, (character) =>
    Array.from({ length: character.length }, (_, index) => unitOf(character, index)).join(''),
  )
}

function unitOf(text: string, index: number): string {
  return `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`
}
