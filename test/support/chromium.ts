import { existsSync } from 'node:fs'
import { ensureInstalled } from './debian-package.ts'

const PROGRAM = '/usr/bin/chromium'

/**
 * Flags of Chromium. With them, Chromium also runs as root, needs no screen, and sends no requests of its own to the
 * internet.
 */
export const CHROMIUM_FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** Returns the path of Chromium. Installs it if it is missing. */
export function installChromium(): Promise<string> {
  return ensureInstalled({
    name: 'chromium',
    find: async () => (existsSync(PROGRAM) ? PROGRAM : undefined),
    missing: 'Chromium is missing: apt-get install chromium',
  })
}
