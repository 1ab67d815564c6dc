import { spawn } from 'node:child_process'

/** The program that opens a page in the browser of the person, by platform. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  linux: ['xdg-open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Opens a page in a browser, if this machine has one. Nothing waits for it, and it reports no failure. */
export function openPage(url: string, env: Readonly<Record<string, string | undefined>>): void {
  const [program, ...args] = OPENERS[process.platform] ?? []
  const hasScreen = process.platform !== 'linux' || Boolean(env['DISPLAY'] ?? env['WAYLAND_DISPLAY'])
  if (program === undefined || !hasScreen) return
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  // The address is on the terminal too.
  child.on('error', () => undefined)
  child.unref()
}
