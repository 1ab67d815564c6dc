/** What looks like a token or a key in base64, whole or as the value of a flag. */
const SECRET = /[A-Za-z0-9+/_-]{40,}/

/** A word of the command line as it may be repeated in a message: what may be a secret is not. */
export function shown(word: string): string {
  return SECRET.test(word) || word.length > 80 ? '(not shown: it may be a secret)' : JSON.stringify(word)
}
