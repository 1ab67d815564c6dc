import { readFile, rm } from 'node:fs/promises'
import { writeText } from '@auth4agent/sdk/node'

/**
 * Writes a secret address to a file that only its owner can read. The write is atomic: readers see the old content or
 * all of the new. It replaces a file or link at the path and does not write through a link. Rejects with
 * CONFIGURATION.
 */
export async function writeAddressFile(path: string, address: string): Promise<void> {
  await writeText(path, `${address}\n`, { replacesLink: true })
}

/** Removes the file if it still contains this address, because another proxy may have replaced it. Never rejects. */
export async function removeAddressFile(path: string, address: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => '')
  if (found === `${address}\n`) await rm(path, { force: true }).catch(() => undefined)
}
