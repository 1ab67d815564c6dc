import { readFile, rm } from 'node:fs/promises'
import { writeText } from '@auth4agent/sdk/node'

/**
 * Writes an address that is a secret to a file for its owner alone, in one step: whoever reads sees all of it or what was there before.
 * What stands at the path is replaced, a link too, and not written through. Rejects with CONFIGURATION.
 */
export async function writeAddressFile(path: string, address: string): Promise<void> {
  await writeText(path, `${address}\n`, { replacesLink: true })
}

/** Removes the file where it still is the one of this address; another proxy may have taken its place. Never rejects. */
export async function removeAddressFile(path: string, address: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => '')
  if (found === `${address}\n`) await rm(path, { force: true }).catch(() => undefined)
}
