import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHROMIUM_FLAGS, installChromium } from '../../support/chromium.ts'
import { eventually } from '../../support/eventually.ts'
import { guard } from '../../support/guardian.ts'

type Json = Record<string, unknown>

/** A page of Chromium, driven by the Chrome DevTools Protocol. */
export interface ChromiumPage extends AsyncDisposable {
  /** Calls a method of the protocol for this page. */
  send(method: string, params?: Json): Promise<Json>
  /** Opens an address. Resolves when the page is complete, as `click` does. */
  open(url: string): Promise<void>
  /** Clicks an element, given by its selector, that leads to another page. */
  click(selector: string): Promise<void>
  /** Runs an expression in the page, and resolves with its value. A promise is waited for. */
  run(expression: string): Promise<unknown>
  /** Returns a picture of the page as PNG. */
  picture(): Promise<Buffer>
}

/** Starts Chromium with one empty page. `flags` are further flags. */
export async function startChromium(flags: readonly string[] = []): Promise<ChromiumPage> {
  const program = await installChromium()
  const folder = await mkdtemp(join(tmpdir(), 'a4a-chromium-'))
  const args = [...CHROMIUM_FLAGS, ...flags, '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank']
  const browser = spawn(program, args, { stdio: 'ignore', detached: true })
  guard(browser, 'SIGTERM')
  const ended = once(browser, 'close')
  const stop = async () => {
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const port = await eventually(async () => {
      // The file is there a moment before its text.
      const [port = ''] = (await readFile(join(folder, 'DevToolsActivePort'), 'utf8')).split('\n')
      if (port === '') throw new Error('Chromium does not listen yet')
      return port
    })
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as Json[]
    const socket = new WebSocket(String(pages.find(({ type }) => type === 'page')?.['webSocketDebuggerUrl']))
    await once(socket, 'open')
    return pageOf(socket, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

function pageOf(socket: WebSocket, stop: () => Promise<void>): ChromiumPage {
  const waiting = new Map<number, PromiseWithResolvers<Json>>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as { id?: number; result?: Json; error?: Json }
    if (id === undefined) return
    if (error === undefined) waiting.get(id)?.resolve(result ?? {})
    else waiting.get(id)?.reject(new Error(String(error['message'])))
    waiting.delete(id)
  })
  const send: ChromiumPage['send'] = (method, params = {}) => {
    const id = ++last
    const answer = Promise.withResolvers<Json>()
    waiting.set(id, answer)
    socket.send(JSON.stringify({ id, method, params }))
    return answer.promise
  }
  const run: ChromiumPage['run'] = async (expression) => {
    const asked = { expression, awaitPromise: true, returnByValue: true, userGesture: true }
    const { result, exceptionDetails } = await send('Runtime.evaluate', asked)
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as Json)['value']
  }
  const leave = async (go: () => Promise<unknown>) => {
    await run('window.isOld = true')
    await go()
    await eventually(async () => {
      const isThere = await run(`window.isOld === undefined && document.readyState === 'complete'`)
      if (isThere !== true) throw new Error('The page is loading')
    })
  }
  return {
    send,
    run,
    open: (url) => leave(() => send('Page.navigate', { url })),
    click: (selector) => leave(() => run(`document.querySelector(${JSON.stringify(selector)}).click()`)),
    async picture() {
      const { data } = await send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true })
      return Buffer.from(String(data), 'base64')
    },
    async [Symbol.asyncDispose]() {
      socket.close()
      await stop()
    },
  }
}
