import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { eventually } from '../../support/eventually.ts'
import { createNeighbourhood } from '../../support/federation/neighbourhood.ts'
import { CLIENT, type OpenIdProvider, startOpenIdProvider } from '../../support/open-id-provider.ts'
import { newPerson, type Person } from '../operator-team/person.ts'
import { type ChromiumPage, startChromium } from '../passkeys/chromium-page.ts'

const DOMAIN = 'acme.example.com'
/** The host of the identity provider, which the server reaches by https. */
const IDP = 'idp.example.net'
const HOSTILE = "<script>alert(1)</script>\"\u202e & 'Bob'"
/** A folder for pictures of the pages, for people who want to look at them. */
const PICTURES = process.env['AUTH4AGENT_PICTURES_DIR']

const neighbourhood = new AsyncDisposableStack()
let deployment: Deployment
let admin: Person
let outside: OpenIdProvider
let page: ChromiumPage
let base: string
let callback: string
beforeAll(async () => {
  const around = await createNeighbourhood(neighbourhood)
  const { env, dns } = around
  ;[deployment, admin, outside] = await Promise.all([
    startDeployment({ env, dns, ownProcess: true }),
    newPerson(),
    startOpenIdProvider([], 'client_secret_basic', { host: IDP, ...around.certify(IDP) }),
  ])
  base = deployment.server.baseUrl
  // The pages must have the origin of the issuer, and the server of the test listens elsewhere.
  const rules = `MAP localhost:8080 127.0.0.1:${new URL(base).port}, MAP ${IDP} 127.0.0.1`
  page = await startChromium([`--host-resolver-rules=${rules}`, '--ignore-certificate-errors'])
  await page.send('Page.enable')
})
afterAll(async () => {
  await page?.[Symbol.asyncDispose]()
  await Promise.all([deployment?.stop(), outside?.close(), admin?.[Symbol.asyncDispose]()])
  await neighbourhood.disposeAsync()
})

const textOf = async (selector: string) =>
  String(await page.run(`document.querySelector('${selector}')?.textContent ?? ''`))
const heading = (text: string) => eventually(async () => expect(await textOf('h1')).toBe(text))
const fill = (who: string) => page.run(`document.getElementById('who').value = ${JSON.stringify(who)}`)
const press = (text: string) =>
  page.run(`[...document.querySelectorAll('button')].find((each) => each.textContent === '${text}').click()`)

/** Expects that axe finds nothing, with both colour schemes, also on a narrow screen, where nothing may scroll. */
async function expectAccessible(name: string): Promise<void> {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1_000, 320]) {
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
      const size = { width, height: 900, deviceScaleFactor: 1, mobile: false }
      await page.send('Emulation.setDeviceMetricsOverride', size)
      const found = await page.run(
        `${axe.source};axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`,
      )
      expect(found, `${name}, ${scheme}, ${width}`).toEqual([])
      expect(await page.run('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      if (PICTURES !== undefined)
        await writeFile(join(PICTURES, `${name}-${scheme}-${width}.png`), await page.picture())
    }
  }
}

const get = (path: string, init: RequestInit = {}) => fetch(`${base}${path}`, { redirect: 'manual', ...init })
const SAME = { origin: ISSUER, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  get(path, { method: 'POST', headers: { ...SAME, ...headers }, body: new URLSearchParams(fields).toString() })
const formOn = (html: string) => /name="form" value="([^"]+)"/.exec(html)?.[1] ?? ''

describe('a person who signs in', () => {
  it('1. the operator names its identity provider', async () => {
    await admin.json(`init --operator --domain ${DOMAIN} --server ${base} --issuer ${ISSUER}`)
    await admin.json('operator register')
    const { txt_record_name, txt_record_value } = await admin.json('operator show-proof')
    deployment.dns.setTxt(String(txt_record_name), [String(txt_record_value)])
    await admin.json('operator confirm')
    await writeFile(admin.file('secret.txt'), CLIENT.secret, { mode: 0o600 })
    const line = `${outside.issuer} --client-id ${CLIENT.id} --client-secret ~/secret.txt --all-users`
    const made = await admin.json(`provider put work ${line}`)
    callback = `/people/callback/${String(made['id'])}`
    await outside.allow([`${ISSUER}${callback}`])
  })

  it('2. the page asks for a domain, and axe finds nothing', async () => {
    await page.open(`${ISSUER}/people/acting`)
    await heading('Sign in')
    expect(await page.run('document.activeElement.id')).toBe('who')
    await expectAccessible('sign-in')
  })

  it('3. a domain that nobody has proven gets the form again, with what was typed', async () => {
    await fill('alice@unknown.example')
    await press('Continue')
    await eventually(async () => expect(await textOf('#problem')).toBe('Nobody of this domain can sign in here.'))
    expect(await page.run(`document.getElementById('who').value`)).toBe('alice@unknown.example')
    await expectAccessible('unknown-domain')
  })

  it('4. the provider signs the person in, and the browser comes back', async () => {
    outside.claims = { name: HOSTILE }
    await fill(`alice@team.${DOMAIN}`)
    await press('Continue')
    await heading('What acts for you')
    expect(await page.run('location.href')).toBe(`${ISSUER}/people/acting`)
    expect(await textOf('h2 + p')).toBe(`You are signed in as <script>alert(1)</script>"  & 'Bob' of ${DOMAIN}.`)
    expect(await page.run(`document.querySelectorAll('script').length`)).toBe(0)
    await expectAccessible('account')
  })

  it('5. the person signs out, and is asked again', async () => {
    await press('Sign out')
    await heading('You are signed out')
    await expectAccessible('signed-out')
    await page.open(`${ISSUER}/people/acting`)
    await heading('Sign in')
  })

  it('6. a refusal of the provider is a page that says what to do', async () => {
    await page.open(`${ISSUER}/people/callback/00000000-0000-4000-8000-000000000000?error=access_denied&state=a.b.c`)
    await heading('The sign-in has failed')
    await expectAccessible('refused')
  })
})

describe('the pages of a sign-in', () => {
  it('forbid scripts, frames and other sites, and are kept nowhere', async () => {
    const { headers } = await get('/people/sign-in')
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    )
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it.each<[string, Record<string, string>]>([
    ['of another site', { origin: 'https://evil.example' }],
    ['of an unknown origin', { origin: 'null' }],
    ['of another port of this host', { origin: 'http://localhost:8081' }],
    ['that another site has sent', { 'sec-fetch-site': 'cross-site' }],
    ['that another host of the site has sent', { 'sec-fetch-site': 'same-site' }],
    ['that no page has sent', { 'sec-fetch-site': 'none' }],
  ])('refuse a form %s', async (_, headers) => {
    const form = formOn(await (await get('/people/sign-in')).text())
    const fields = { form, request: '', who: DOMAIN }
    const refused = await post('/people/sign-in', fields, headers)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('<code>FORM_EXPIRED</code>')
    expect((await post('/people/acting', { form, action: 'sign-out' }, headers)).status).toBe(403)
    expect((await post('/people/sign-in', fields)).status).toBe(200)
  })

  it.each<[string, number, string, Record<string, string>]>([
    ['without its secret text', 403, 'who=a.example', {}],
    ['with a field twice', 400, 'who=a.example&who=b.example', {}],
    ['of another type', 415, '{}', { 'content-type': 'application/json' }],
    ['that is too large', 413, `who=${'a'.repeat(20_000)}`, {}],
  ])('refuse a form %s', async (_, status, body, headers) => {
    expect(await get('/people/sign-in', { method: 'POST', headers: { ...SAME, ...headers }, body })).toMatchObject({
      status,
    })
  })

  it('redirect after no form: the answer is a page that leads on', async () => {
    const form = formOn(await (await get('/people/sign-in')).text())
    const answer = await post('/people/sign-in', { form, request: '', who: `"><script>@${DOMAIN}` })
    const html = await answer.text()
    expect(answer.status).toBe(200)
    expect(html).toContain(`<meta http-equiv="refresh" content="0; url=${outside.issuer}/auth?`)
    expect(html).not.toContain('<script')
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^a4a-flow-[\w-]+=.*; HttpOnly; SameSite=Lax$/),
    ])
  })

  it('finish no sign-in in another browser (login CSRF), nor by HEAD', async () => {
    const form = formOn(await (await get('/people/sign-in')).text())
    const answer = await post('/people/sign-in', { form, request: '', who: DOMAIN })
    const state = /state=([^&"]+)/.exec(await answer.text())?.[1] ?? ''
    const path = `${callback}?code=a&state=${state}&iss=${encodeURIComponent(outside.issuer)}`
    const refused = await get(path)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('Another browser began this sign-in')
    expect((await get(path, { method: 'HEAD' })).status).toBe(405)
  })
})
