import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Reads a file of deploy/examples, and replaces each address in it. Throws if an address is not there. */
export async function readExample(path: string, addresses: Readonly<Record<string, string>>): Promise<string> {
  const file = join(import.meta.dirname, '../../deploy/examples', path)
  return Object.entries(addresses).reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${path} does not contain ${from}`)
      return text.replaceAll(from, to)
    },
    await readFile(file, 'utf8'),
  )
}
