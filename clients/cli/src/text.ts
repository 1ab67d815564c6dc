/** Lines of `name: value`, without those that have no value. */
export function lines(values: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) =>
      value === undefined || value === null || value === '' ? [] : [`${name}: ${String(value)}`],
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

/** A text without control characters, so that it cannot play tricks on a terminal. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?')
}

/** JSON as people read it, and as version 1 prints it. */
export function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}
