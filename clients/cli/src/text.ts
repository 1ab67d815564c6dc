/** Lines of `name: value` for people, without those that have no value; values are {@link plain}. */
export function lines(values: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) =>
      value === undefined || value === null || value === '' ? [] : [`${name}: ${plain(String(value))}`],
    )
    .join('\n')
}

/** Columns of text for people; what servers answer is kept from moving the cursor. */
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

/** What may move the cursor, or turn text around (Unicode TR 36 section 3.1). */
const TRICKS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A text without control characters, so that it cannot play tricks on a terminal. */
export function plain(text: string): string {
  return text.replaceAll(TRICKS, '?')
}

/** JSON in one line. What could play tricks on a terminal is escaped, and so is the same to whoever parses it. */
export function compact(value: unknown): string {
  return escaped(JSON.stringify(value))
}

/** JSON as people read it, and as version 1 prints it; escaped as {@link compact} does. */
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
