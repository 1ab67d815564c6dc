import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state } from '../../support/federation/statements.ts'
import type { Asserter } from '../../support/parties.ts'
import { expectStatus } from '../../support/story.ts'

let federation: Federation
let beta: FederatedDeployment
let cargo: Member
let dock: Member
let acme: Member

const audienceOf = (domain: string) => `https://api.${domain}/v1`

beforeAll(async () => {
  federation = await createFederation()
  beta = await federation.start('auth.beta.example.net')
  cargo = await member(beta, 'cargo.example.com')
  dock = await member(beta, 'dock.example.com')
  acme = await member(beta, 'acme.example.com')
  const lets = async (owner: Member, other: Member, visibility: 'parties' | 'public') => {
    const grants = [{ audience: audienceOf(owner.domain), scopes: { read: ['orders:read'] } }]
    await state(owner, other, { kind: 'lets-call', aud: [beta.issuer], grants, visibility })
  }
  await lets(cargo, acme, 'parties')
  await lets(dock, acme, 'public')
  await lets(acme, dock, 'parties')
})
afterAll(() => federation?.stop())

interface Shown {
  readonly status: number
  readonly page: string
  /** The statements in the table: signer, kind and subject. */
  readonly rows: readonly string[]
}

/** Opens a link as a browser does, at the server of the test in place of the issuer. */
async function open(link: string): Promise<Shown> {
  const url = link.replace(beta.issuer, beta.server.baseUrl)
  const answer = await fetch(url, { headers: { accept: 'text/html' } })
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  const page = await answer.text()
  const rows = [...page.matchAll(/<tr>\n<th scope="row">(.*?)<\/tr>/gs)].map(([, row = '']) => {
    const [from, to] = [...row.matchAll(/<bdi>([^<]*)<\/bdi><\/a>/g)].map(([, name]) => name)
    return `${from} ${/<span class="name [^>]*>([^<]*)</.exec(row)?.[1]} ${to}`
  })
  return { status: answer.status, page, rows }
}

async function linkFor(by: Asserter, options: { readonly around?: string } = {}): Promise<string> {
  const path = '/v1/trust/views'
  const body = JSON.stringify(options)
  const sent = beta.client.send<{ url: string; expires_at: string }>(
    'POST',
    path,
    body,
    by.assert(`POST ${path}`, { body: bodyDigest(body) }),
  )
  const { url, expires_at } = expectStatus(201, await sent)
  expect(Date.parse(expires_at) - Date.now()).toBeLessThanOrEqual(300_000)
  return url
}

const CARGO = 'cargo.example.com lets-call acme.example.com'
const DOCK = 'dock.example.com lets-call acme.example.com'
const ACME = 'acme.example.com lets-call dock.example.com'

it('1. everybody sees the public statements, on the page and as a document', async () => {
  expect((await open(`${beta.issuer}/trust`)).rows).toEqual([DOCK])
  const { document } = expectStatus(200, await beta.client.get<{ document: string }>('/v1/trust/graph'))
  expect(JSON.parse(document)).toMatchObject({ edges: [{ kind: 'lets-call', from: dock.id, to: acme.id }] })
})

it('2. a link shows each operator its own graph, and the administrator all of it', async () => {
  expect((await open(await linkFor(cargo))).rows).toEqual([CARGO, DOCK])
  expect((await open(await linkFor(dock))).rows).toEqual([ACME, DOCK])
  const all = await open(await linkFor(beta.admin))
  expect(all.rows).toEqual([ACME, CARGO, DOCK])
  expect(all.page).toContain('All statements, as the administrator sees them.')
})

it('3. a link can be narrowed, and the links of its page show the same graph', async () => {
  const narrow = await open(await linkFor(cargo, { around: 'acme.example.com' }))
  expect(narrow.rows).toEqual([CARGO, DOCK])
  const [, next = ''] = /href="(\?view=[^"]*around=dock[^"]*)"/.exec(narrow.page) ?? []
  expect((await open(`${beta.issuer}/trust${next.replaceAll('&amp;', '&')}`)).rows).toEqual([CARGO, DOCK])
  expect((await open(await linkFor(cargo, { around: 'nobody.example.com' }))).page).toContain('Nothing to draw yet')
})

describe('4. a link', () => {
  it.each<[string, (link: string) => string]>([
    ['that was cut', (link) => link.slice(0, -1)],
    ['with the id of another operator', (link) => link.replace(dock.id, cargo.id)],
    ['with a later end', (link) => link.replace(/\.\d{10}\./, '.9999999999.')],
  ])('%s is refused', async (_name, change) => {
    const { status, page, rows } = await open(change(await linkFor(dock)))
    expect([status, rows]).toEqual([400, []])
    expect(page).toContain('The link was changed, or is not complete')
  })

  it('is no assertion and no token', async () => {
    const view = new URL(await linkFor(dock)).searchParams.get('view') ?? ''
    const asAssertion = await beta.client.send('GET', '/v1/trust/graph', undefined, `Bearer ${view}`)
    expect(asAssertion).toMatchObject({ status: 401, body: { reason: 'INVALID_ASSERTION' } })
    const statements = await beta.client.send('GET', `/v1/operators/${dock.id}/trust`, undefined, `Bearer ${view}`)
    expect(statements).toMatchObject({ status: 401, body: { reason: 'INVALID_ASSERTION' } })
    expect((await beta.client.post('/v1/verify', { token: view })).body).toMatchObject({ valid: false })
    const again = await beta.client.send('POST', '/v1/trust/views', '{}', `Bearer ${view}`)
    expect(again).toMatchObject({ status: 401, body: { reason: 'INVALID_ASSERTION' } })
  })
})

it('5. a link ends when its operator releases its domain', async () => {
  const link = await linkFor(cargo)
  expectStatus(200, await beta.client.signed('POST', `/v1/operators/${cargo.id}/release`, null, cargo))
  const { status, page, rows } = await open(link)
  expect([status, rows]).toEqual([410, []])
  expect(page).toContain('The link has expired')
})

it('6. no log has a part of a link', async () => {
  const view = new URL(await linkFor(dock)).searchParams.get('view') ?? ''
  await open(`${beta.issuer}/trust?view=${view}`)
  await open(`${beta.issuer}/trust?view=${view}x`)
  const [, , , , mac = ''] = view.split('.')
  expect(mac).toHaveLength(43)
  expect(beta.logs()).not.toContain(mac)
})
