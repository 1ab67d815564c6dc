import { Buffer } from 'node:buffer'

/** Returns the bytes of a token that is evidence, without white space around it. Throws Error for an empty text. */
export function textEvidence(text: string, where: string): Uint8Array {
  const trimmed = text.trim()
  if (trimmed === '') throw new Error(`${where} is empty`)
  return Buffer.from(trimmed, 'utf8')
}
