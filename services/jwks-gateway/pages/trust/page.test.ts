import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { GetTrustViewRequestSchema, TrustService } from '../../../../gen/proto/auth4agent/v1/trust_pb.ts'
import { HOSTILE } from '../../../../test/support/exported-graphs.ts'
import { startGateway } from '../../../../test/support/gateway.ts'
import { ADMITTED, hostileView, largeView, OWN, storyView, viewOf } from '../../../../test/support/trust/views.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { errorPage } from './error-page.ts'
import { trustPage } from './page.ts'

const { getTrustView } = TrustService.method
const request = (members: { view?: string; around?: string } = {}) => create(GetTrustViewRequestSchema, members)
const pageOf = (view = storyView(), asked = request()) => trustPage(asked, view)

const decode = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Returns the elements of a page and the attributes of each, in their order. Throws Error for any other markup. */
function elementsOf(page: string): { readonly name: string; readonly attributes: ReadonlyMap<string, string> }[] {
  const markup = page.replace(/^<!DOCTYPE html>\n/, '').replace(/<style>[^<]*<\/style>/, '<style></style>')
  const tag = /<(\/?)([a-z][a-z0-9]*)((?: [a-zA-Z-]+="[^"<]*")*)(\/?)>/gy
  const found = []
  for (let at = markup.indexOf('<'); at >= 0; at = markup.indexOf('<', tag.lastIndex)) {
    tag.lastIndex = at
    const [, close, name = '', text = ''] = tag.exec(markup) ?? []
    if (name === '') throw new Error(`This is no tag: ${markup.slice(at, at + 60)}`)
    if (close === '/') continue
    const attributes = [...text.matchAll(/ ([a-zA-Z-]+)="([^"]*)"/g)]
    found.push({ name, attributes: new Map(attributes.map(([, key = '', value = '']) => [key, decode(value)])) })
  }
  return found
}

const ELEMENTS = new Set(
  (
    'html head meta title style body main header section footer h1 h2 p dl div dt dd code small a form input label ' +
    'button ul ol li b span bdi time pre table caption thead tbody tr th td svg desc defs marker path rect text g'
  ).split(' '),
)

/** Expects that nothing of a page can run, be fetched or lead elsewhere. */
function expectHarmless(page: string): void {
  for (const { name, attributes } of elementsOf(page)) {
    expect(ELEMENTS).toContain(name)
    for (const [key, value] of attributes) {
      expect(key).not.toMatch(/^on|^style$|^src|^data|^xlink|^formaction$|^action$|^background$/)
      if (key === 'href') expect(value).toMatch(/^(?:\?|#(?:fit|actual-size)$)/)
      else expect(value.startsWith('url(') ? value : '').toMatch(/^$|^url\(#trust-arrow-\d+\)$/)
    }
  }
}

/** Returns what a reader of a page sees. */
function textOf(page: string): string {
  const bare = page.replace(/<style>.*<\/style>/s, '').replaceAll(/<[^>]*>/g, ' ')
  return decode(bare)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ([,.])/g, '$1')
}

describe('the page of the trust graph', () => {
  it.each([
    ['a story', pageOf()],
    ['500 operators', pageOf(largeView(500))],
    ['nothing', pageOf(viewOf())],
    ['too much', pageOf(viewOf({ tooLarge: true, nodeCount: 731, edgeCount: 5_001, nodes: storyView().nodes }))],
    ['a refusal', errorPage(new ApiError('VIEW_EXPIRED', 'x'), 'request-1')],
  ])('has no script, no handler and no resource, with %s', (_name, page) => {
    expectHarmless(page)
  })

  it('says whose graph it is, of when, and until when the link works', () => {
    const page = textOf(
      pageOf(
        storyView({ viewer: 'operator', viewerDomain: 'cargo.io', viewExpiresAt: timestampFromMs(1_800_000_300_000) }),
      ),
    )
    expect(page).toContain('What cargo.io may see: its own statements, those that name it, and public ones.')
    expect(page).toContain('This link works until 2027-01-15 08:05:00 UTC. Do not share it.')
    expect(page).toContain('2027-01-15 08:00:00 UTC, position 3-8812 of the revocation log')
    expect(page).toContain('6 operators and issuers, 5 edges')
    expect(textOf(pageOf(storyView({ viewer: 'administrator' })))).toContain('All statements, as the administrator')
    expect(textOf(pageOf())).toContain('Public statements only.')
  })

  it('tells as many edges as it draws lines, because boxes show the other relations', () => {
    const page = pageOf()
    const lines = page.split(' marker-end="').length - 1
    expect(lines).toBeGreaterThan(0)
    expect(textOf(page)).toContain(`issuers, ${lines} edges`)
    expect(page).toContain(`Edges: ${lines} (`)
    expect(storyView().edges.length).toBeGreaterThan(lines)
  })

  it('lists in the table what each statement says, by the deployment of its signer', () => {
    const page = pageOf()
    const rows = [...page.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) => textOf(row).trim())
    expect(rows.slice(0, 9)).toEqual([
      'From Kind To Audiences and scopes Until Visible to',
      `Signed at ${OWN} (this deployment)`,
      'cargo.io accepts-members-of members guild.org at https://id.gamma.org domain not proven here https://api.cargo.io/v1 orders:read → read list 2027-01-16 08:00 UTC everybody',
      `cargo.io blocks acme.com at ${ADMITTED} none 2027-01-16 08:00 UTC its two parties`,
      `dock.io chains-to ${ADMITTED} https://api.dock.io/v1 orders:read → read list 2027-01-16 08:00 UTC everybody`,
      `dock.io lets-call acme.com at ${ADMITTED} https://api.dock.io/v1 orders:read → read list 2027-01-16 08:00 UTC everybody`,
      'Signed at https://id.gamma.org',
      `guild.org domain not proven here member acme.com at ${ADMITTED} none 2027-01-16 08:00 UTC everybody`,
      'Issuer For this deployment Operators shown Of these, domain not proven',
    ])
    expect(rows.slice(9)).toEqual([
      `${OWN} this deployment 2 0`,
      `${ADMITTED} admitted 1 0`,
      'https://id.gamma.org not admitted, so its operators do not count 1 1',
    ])
  })

  it('has a caption, and headers with a scope, in each table', () => {
    const elements = elementsOf(pageOf())
    const countOf = (name: string) => elements.filter((each) => each.name === name).length
    expect([countOf('table'), countOf('caption')]).toEqual([2, 2])
    const scopes = elements.filter(({ name }) => name === 'th').map(({ attributes }) => attributes.get('scope'))
    expect(new Set(scopes)).toEqual(new Set(['col', 'row', 'rowgroup']))
    expect(scopes).not.toContain(undefined)
    expect(elements.filter(({ attributes }) => attributes.get('id') === 'trust-desc')).toHaveLength(1)
  })

  it('explains each line in words, and only lines that it draws', () => {
    const legend = /<ul class="legend">(.*?)<\/ul>/s.exec(pageOf())?.[1] ?? ''
    const text = textOf(legend)
    for (const words of ['lets-call (continuous line)', 'blocks (thick line that ends in a bar)', 'member (dots)']) {
      expect(text).toContain(words)
    }
    expect(text).not.toMatch(/admits|speaks-for|caller/)
  })

  it('keeps the view in its links and its form', () => {
    const elements = elementsOf(pageOf(storyView(), request({ view: 'a.b&c', around: 'cargo.io' })))
    const links = elements.flatMap(({ name, attributes }) => (name === 'a' ? [attributes.get('href') ?? ''] : []))
    const kept = links.filter((link) => link.startsWith('?'))
    expect(kept[0]).toBe('?view=a.b%26c')
    expect(kept.every((link) => new URLSearchParams(link).get('view') === 'a.b&c')).toBe(true)
    const fields = elements.filter(({ name }) => name === 'input').map(({ attributes }) => attributes)
    expect(fields.map((field) => [field.get('name'), field.get('value')])).toEqual([
      ['view', 'a.b&c'],
      ['around', 'cargo.io'],
    ])
  })

  it('says how to add a statement if there is none', () => {
    expect(textOf(pageOf(viewOf()))).toContain(
      'There is no statement that you may see. To add one that everybody may see, an operator runs this command with the id of the operator whose agents may call: auth4agent trust offer OPERATOR',
    )
  })

  it('offers parts of a graph that is too large', () => {
    const view = viewOf({ tooLarge: true, nodeCount: 731, edgeCount: 5_001, nodes: storyView().nodes.slice(2) })
    const page = pageOf(view, request({ view: 'v' }))
    expect(textOf(page)).toContain('this graph has 731 of them and more than 5,000 edges.')
    expect(page).toContain('<a href="?view=v&amp;around=cargo.io"><bdi>cargo.io</bdi></a>')
    expect(page).not.toContain('<table')
  })

  it.each(HOSTILE)('shows a text with %s, and makes no markup of it', (_name, text, shown) => {
    const page = pageOf(hostileView(text), request({ view: text, around: text }))
    expectHarmless(page)
    const names = [...page.matchAll(/<bdi>([^<]*)<\/bdi>/g)].map(([, name = '']) => decode(name))
    expect(new Set(names)).toEqual(new Set([shown, 'other', OWN]))
  })
})

describe('GET /trust', () => {
  it('answers the page with exactly these headers', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(getTrustView, () => storyView())
    const answer = await fetch(`${url}/trust?view=a.b.c&around=cargo.io`, { headers: { authorization: 'Bearer x' } })
    const style = /<style>(.*?)<\/style>/s.exec(await answer.text())?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    const {
      date,
      connection,
      'keep-alive': alive,
      'content-length': length,
      ...headers
    } = Object.fromEntries(answer.headers)
    expect([answer.status, headers]).toEqual([
      200,
      {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-request-id': headers['x-request-id'],
      },
    ])
    expect([date, connection, alive, length].every((header) => header !== undefined)).toBe(true)
    expect(rpc.last()).toMatchObject({
      request: { view: 'a.b.c', around: 'cargo.io' },
      meta: { authorization: undefined, rpc: 'auth4agent.v1.TrustService/GetTrustView' },
    })
  })

  it('is under the path of the issuer too', async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://auth.example/a4a' })
    rpc.answer(getTrustView, () => storyView())
    expect((await fetch(`${url}/a4a/trust`)).status).toBe(200)
    expect((await fetch(`${url}/trust`, { method: 'HEAD' })).status).toBe(200)
  })

  it.each([
    ['INVALID_VIEW', 400, 'Check that you have copied the whole link.'],
    ['VIEW_EXPIRED', 410, 'A link works for 5 minutes'],
    ['UNAVAILABLE', 503, 'Detail.'],
  ] as const)('answers %s with a page that says what to do', async (reason, status, advice) => {
    const { url, rpc } = await startGateway()
    rpc.answer(getTrustView, () => {
      throw new ApiError(reason, 'Detail', { retryAfter: 3 })
    })
    const answer = await fetch(`${url}/trust?view=secret`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8'])
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(answer.headers.get('retry-after')).toBe('3')
    const page = await answer.text()
    expectHarmless(page)
    expect(textOf(page)).toContain(advice)
    expect(page).not.toContain('secret')
  })

  it.each([
    ['an unknown parameter', '?operator=x', 'UNKNOWN_FIELD'],
    ['a parameter twice', '?around=a&around=b', 'INVALID_ARGUMENT'],
    ['malformed percent-encoding', '?around=%zz', 'INVALID_ARGUMENT'],
  ])('refuses %s with a page', async (_name, query, reason) => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/trust${query}`)
    expect(answer.status).toBe(400)
    expect(textOf(await answer.text())).toContain(`Reason ${reason}, request`)
  })
})
