import { MAX_CHAIN_BYTES } from '@auth4agent/core/delegation/grant-types'
import { usageError } from '../cli-error.ts'
import type { Base } from '../context.ts'
import { readBodyFile } from '../secrets.ts'

/**
 * Room for the spaces and line ends around a chain, and for a chain that is too long, so that its refusal is shown.
 */
const MAX_TEXT = 4 * MAX_CHAIN_BYTES

/** Reads the chain of grants in the file that the command line names. Throws CliError. */
export async function readGrantFile({
  arguments: [file],
  readStdin,
}: Pick<Base, 'arguments' | 'readStdin'>): Promise<string> {
  return readGrantText(file ?? '-', readStdin)
}

/** Reads a chain of grants from a file; `-` is standard input. Throws CliError. */
export async function readGrantText(file: string, readStdin: Base['readStdin']): Promise<string> {
  const bytes = file === '-' ? await readStdin() : Buffer.from(await readBodyFile(file)).toString()
  const text = bytes.trim()
  if (text === '' || text.length > MAX_TEXT) throw usageError('The file must contain a chain of grants')
  return text
}
