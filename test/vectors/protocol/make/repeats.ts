/** A text in pieces. `{ "repeat": t, "times": n }` is n times t. */
export type Pieces = readonly (string | Repeated)[]

interface Repeated {
  readonly repeat: string
  readonly times: number
}

/** A run of `a`, and its base64url. Each long text of the vectors contains one. */
const LONG_RUN = /((?:YWFh){64,})/
const LONG_TEXT = /^([^]*?)(a{129,})([^]*)$/

/** Writes a token unchanged, or in pieces if it is long. */
export function inPieces(text: string): { readonly token: string } | { readonly token_pieces: Pieces } {
  const pieces = text.split(LONG_RUN)
  if (pieces.length === 1) return { token: text }
  // Every second piece is a run.
  return {
    token_pieces: pieces.map((piece, index) =>
      index % 2 === 1 ? { repeat: 'YWFh', times: piece.length / 'YWFh'.length } : piece,
    ),
  }
}

/** Writes long texts of a value in pieces. */
export function inShort(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inShort)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inShort(member)]))
  }
  const [, before, run, after] = (typeof value === 'string' && LONG_TEXT.exec(value)) || []
  return run === undefined ? value : [before, { repeat: 'a', times: run.length }, after].filter((piece) => piece !== '')
}
