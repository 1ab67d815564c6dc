import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const OWNER_ONLY = 0o600

/**
 * Writes an address that is a secret to a file for its owner alone, in one step: whoever reads sees all of it or what was there before.
 * What stands at the path is replaced, a link too, and not written through. Rejects with the system's error.
 */
export async function writeAddressFile(path: string, address: string): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`)
  try {
    await writeFile(draft, `${address}\n`, { flag: 'wx', mode: OWNER_ONLY })
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Removes the file where it still is the one of this address; another proxy may have taken its place. Never rejects. */
export async function removeAddressFile(path: string, address: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => '')
  if (found === `${address}\n`) await rm(path, { force: true }).catch(() => undefined)
}
