/** Functions that colour text for a terminal, or return it unchanged. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
}

/** Codes of Select Graphic Rendition (ECMA-48 section 8.3.117): on, off. */
const codes = { bold: [1, 22], dim: [2, 22], good: [32, 39], bad: [31, 39], warn: [33, 39] } as const

/** Creates a style that colours text if `on` is true. */
export function createStyle(on: boolean): Style {
  const mark = (name: keyof typeof codes) => {
    const [begin, end] = codes[name]
    return (text: string) => (on ? `\u001b[${begin}m${text}\u001b[${end}m` : text)
  }
  return { bold: mark('bold'), dim: mark('dim'), good: mark('good'), bad: mark('bad'), warn: mark('warn') }
}

/** Tells whether a stream gets colours (no-color.org). */
export function wantsColours(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
}
