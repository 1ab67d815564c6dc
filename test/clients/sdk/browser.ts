import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHROMIUM_FLAGS, installChromium } from '../../support/chromium.ts'
import { guard } from '../../support/guardian.ts'
import { bundle } from '../../support/sdk/bundle.ts'
import { PATIENCE_MS } from '../../support/until.ts'

/** The folder under which the page loads all modules a second time, with new state. */
const AGAIN = '/again/'

/** The parts of the page's origin that the test provides. */
interface Surroundings {
  /**
   * The address of the Auth4Agent server. The page's origin passes all other requests to this server, because the
   * server does not let scripts of other origins call it.
   */
  readonly serverUrl: string
  /** Answers a request to `/ask`. The value is the JSON body of the request, and the result is sent as JSON. */
  readonly ask: (value: unknown) => Promise<unknown>
}

/**
 * Runs a module twice in Chromium: first with the complete WebCrypto, then with a WebCrypto that refuses Ed25519.
 * Resolves with `{ usual, lacking }`: what the module's default export returned in the first and in the second run.
 * If Chromium ends early or does not answer within 30 seconds, it resolves with `{ error }`.
 */
export async function runInBrowser(module: string, { serverUrl, ask }: Surroundings): Promise<unknown> {
  const program = await installChromium()
  const files = new Map((await bundle(module)).map(({ name, code }) => [`/${name}`, code]))
  const { promise: result, resolve } = Promise.withResolvers<unknown>()
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { url = '', headers } = request
    const script = files.get(url.replace(AGAIN, '/'))
    if (url === '/') response.setHeader('content-type', 'text/html').end(PAGE)
    else if (script !== undefined) response.setHeader('content-type', 'text/javascript').end(script)
    else if (url === '/ask') response.end(JSON.stringify(await ask(JSON.parse(await textOf(request)))))
    else if (url === '/echo') response.end(JSON.stringify([headers.authorization, headers.dpop]))
    else if (url === '/result') resolve(JSON.parse(await textOf(request)))
    else pass(request, response, serverUrl)
  }
  const origin = createServer((request, response) => void answer(request, response))
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  const address = origin.address()
  if (typeof address !== 'object' || address === null)
    throw new Error('The origin of the page does not listen on a TCP port')
  const folder = await mkdtemp(join(tmpdir(), 'a4a-chromium-'))
  const url = `http://127.0.0.1:${address.port}/`
  const browser = spawn(program, [...CHROMIUM_FLAGS, `--user-data-dir=${folder}`, url], {
    stdio: 'ignore',
    detached: true,
  })
  guard(browser, 'SIGTERM')
  const ended = once(browser, 'close').then(() => ({ error: 'Chromium ended before the page had run' }))
  const late = AbortSignal.timeout(PATIENCE_MS)
  const tooLate = once(late, 'abort').then(() => ({ error: `The page did not answer within ${PATIENCE_MS} ms` }))
  try {
    return await Promise.race([result, ended, tooLate])
  } finally {
    // Chromium starts more processes. All of them are in one process group, so this ends all of them.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL')
    await ended
    origin.closeAllConnections()
    origin.close()
    await rm(folder, { recursive: true, maxRetries: 5 })
  }
}

const PAGE = `<!doctype html><script type="module">
  const run = async (entry) => {
    const { default: program } = await import(entry)
    return program().catch((error) => ({ error: String(error) }))
  }
  const usual = await run('/entry.js')
  const importKey = crypto.subtle.importKey.bind(crypto.subtle)
  crypto.subtle.importKey = async (...args) => {
    if (args[2] === 'Ed25519') throw new DOMException('Ed25519 is not supported', 'NotSupportedError')
    return importKey(...args)
  }
  const lacking = await run('${AGAIN}entry.js')
  await fetch('/result', { method: 'POST', body: JSON.stringify({ usual, lacking }) })
</script>`

function pass(request: IncomingMessage, response: ServerResponse, serverUrl: string): void {
  const { method, headers, url = '' } = request
  const onward = forward(new URL(url, serverUrl), { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  request.pipe(onward)
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}
