import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { create } from '@bufbuild/protobuf'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { GetTrustViewRequestSchema } from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { errorPage } from '../../../services/jwks-gateway/pages/trust/error-page.ts'
import { trustPage } from '../../../services/jwks-gateway/pages/trust/page.ts'
import { TRUST_PAGE_POLICY } from '../../../services/jwks-gateway/pages/trust/style.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { CHROMIUM_FLAGS, installChromium } from '../../support/chromium.ts'
import { HOSTILE } from '../../support/exported-graphs.ts'
import { installXmllint } from '../../support/graph-tools.ts'
import { guard } from '../../support/guardian.ts'
import { hostileView, largeView, storyView, viewOf } from '../../support/trust/views.ts'

const request = create(GetTrustViewRequestSchema)
let xmllint = ''
let chromium = ''

beforeAll(async () => {
  xmllint = await installXmllint()
  chromium = await installChromium()
})

/** Expects that a page is well-formed XML, too. */
async function expectWellFormed(page: string): Promise<void> {
  const child = spawn(xmllint, ['--nonet', '--noout', '-'], { stdio: 'pipe' })
  child.stdin.end(page)
  expect(await text(child.stderr)).toBe('')
}

it.each<readonly [name: string, page: string]>([
  ['a story', trustPage(request, storyView())],
  ['500 operators', trustPage(request, largeView(500))],
  ['nothing', trustPage(request, viewOf())],
  ['too much', trustPage(request, viewOf({ tooLarge: true, nodes: storyView().nodes }))],
  ['a refusal', errorPage(new ApiError('INVALID_ARGUMENT', 'x < y & "z"'), 'request-1')],
  ...HOSTILE.map(([name, hostile]) => [name, trustPage(request, hostileView(hostile))] as const),
])('the page with %s is well-formed', async (_name, page) => {
  await expectWellFormed(page)
})

/** Returns the document that Chromium has after it has loaded a page with these headers. */
async function documentOf(page: string, headers: OutgoingHttpHeaders): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(200, headers).end(page))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('The server must listen on a port')
  const folder = await mkdtemp(join(tmpdir(), 'a4a-chromium-'))
  const args = [...CHROMIUM_FLAGS, `--user-data-dir=${folder}`, '--dump-dom', `http://127.0.0.1:${address.port}/`]
  const browser = spawn(chromium, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  guard(browser, 'SIGTERM')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, maxRetries: 5 })
  })
  const ended = once(browser, 'close')
  const found = await text(browser.stdout)
  await ended
  return found
}

describe('in Chromium', () => {
  const HTML = { 'content-type': 'text/html; charset=utf-8' }
  const POLICY = { ...HTML, 'content-security-policy': TRUST_PAGE_POLICY }
  const INJECTED = [
    '<script>document.title = "ran"</script>',
    '<svg onload="document.title = \'ran\'"></svg>',
    '<img src="/x" onerror="document.title = \'ran\'"/>',
  ]

  it.each(INJECTED)('the policy of the page stops %s', async (markup) => {
    const page = trustPage(request, storyView()).replace('</main>', `${markup}</main>`)
    expect(await documentOf(page, HTML)).toContain('<title>ran</title>')
    expect(await documentOf(page, POLICY)).toContain('<title>Trust graph at https://beta.io/auth</title>')
  })

  it('the page with hostile texts has no element more', async () => {
    for (const hostile of ['<script>document.title = "ran"</script>', '"><svg/onload=document.title="ran">']) {
      const found = await documentOf(trustPage(request, hostileView(hostile)), POLICY)
      expect(found).not.toContain('<title>ran</title>')
      expect([found.match(/<script/g), found.match(/<svg/g)?.length]).toEqual([null, 3])
    }
  })
})
