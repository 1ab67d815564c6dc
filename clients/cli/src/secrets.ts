import { readFile, stat } from 'node:fs/promises'
import type { Signer } from '@auth4agent/sdk'
import { parsePrivateKey, readKeyFile } from '@auth4agent/sdk/node'
import { configurationError } from './cli-error.ts'
import type { Io } from './context.ts'
import { shown } from './hidden.ts'

/**
 * A token as a flag gives it: itself, `@file`, or `-` for standard input. What stands in argv everybody on the machine can see, so
 * examples use the other two.
 */
export async function readToken(given: string, { readStdin }: Pick<Io, 'readStdin'>): Promise<string> {
  if (given === '-') return (await readStdin()).trim()
  return given.startsWith('@') ? (await readSecretFile(given.slice(1))).trim() : given
}

const ARGV = 'A key is named by its file, or comes on standard input: what stands in a command line everybody can see.'

/** The signer of a key that a flag names by its file, or `-` for standard input. */
export async function readKey(given: string, { readStdin }: Pick<Io, 'readStdin'>): Promise<Signer> {
  if (given !== '-') {
    if (!(await stat(given).catch(() => undefined)))
      throw configurationError(`there is no key at ${shown(given)}`, ARGV)
    return readKeyFile(given)
  }
  const key = parsePrivateKey(await readStdin())
  if (!key.ok) throw configurationError(`standard input holds no private key: ${key.why}`)
  return key.signer
}

/** The text of a file. Throws CliError. */
async function readSecretFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw configurationError(
      `${shown(path)} cannot be read`,
      'Is that the path of a file with a token, and is it yours?',
    )
  }
}
