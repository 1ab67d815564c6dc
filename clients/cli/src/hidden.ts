/** Matches text that looks like a token or a base64 key, alone or as the value of a flag. */
const SECRET = /[A-Za-z0-9+/_-]{40,}/

/** Quotes a word of the command line for a message, but hides it if it may be a secret. */
export function shown(word: string): string {
  return SECRET.test(word) || word.length > 80 ? '(not shown: it may be a secret)' : JSON.stringify(word)
}
