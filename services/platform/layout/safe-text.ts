/** Characters that XML forbids, that end a line, or that change how the text around them is shown. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu
const REPLACEMENT = '\u{fffd}'
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Replaces each invisible character by U+FFFD. */
export function visibleText(text: string): string {
  return text.replace(INVISIBLE, REPLACEMENT)
}

/** Returns at most so many characters of a text, and shows where some are left out. */
export function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

/** Writes visible text for content and attributes of XML. */
export function xmlText(text: string): string {
  return visibleText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
