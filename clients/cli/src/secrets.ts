import { readFile, stat } from 'node:fs/promises'
import type { SeedSigner } from '@auth4agent/sdk'
import { parsePrivateKey, readKeyFile } from '@auth4agent/sdk/node'
import { configurationError, usageError } from './cli-error.ts'
import type { Io } from './context.ts'
import { shown } from './hidden.ts'

/**
 * Reads the token of a flag: the token itself, `@file`, or `-` for standard input. Examples use `@file` and `-`,
 * because all users of the machine can see a command line.
 */
export async function readToken(given: string, { readStdin }: Pick<Io, 'readStdin'>): Promise<string> {
  if (given === '-') return (await readStdin()).trim()
  if (given.startsWith('@')) return (await readSecretFile(given.slice(1))).trim()
  if ((await stat(given).catch(() => undefined))?.isFile() !== true) return given
  throw usageError(`${shown(given)} is no token, but the name of a file`, `Did you mean @${given}?`)
}

const ARGV =
  'Give the file of the key, or - for standard input. Never put a key into a command line, which all users can see.'

/** Reads the key of a flag: the path of its file, or `-` for standard input. */
export async function readKey(given: string, { readStdin }: Pick<Io, 'readStdin'>): Promise<SeedSigner> {
  if (given !== '-') {
    if (!(await stat(given).catch(() => undefined)))
      throw configurationError(`There is no key file at ${shown(given)}`, ARGV)
    return readKeyFile(given)
  }
  const key = parsePrivateKey(await readStdin())
  if (!key.ok) throw configurationError(`Standard input contains no valid private key: ${key.why}`)
  return key.signer
}

/** Reads the text of a file. Throws CliError. */
async function readSecretFile(path: string): Promise<string> {
  return Buffer.from(await readBodyFile(path)).toString()
}

/** Reads the bytes of a file. Throws CliError. */
export async function readBodyFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch {
    throw configurationError(
      `The file ${shown(path)} cannot be read`,
      'Check that the path is right and that you may read the file.',
    )
  }
}
