import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCli } from '../../support/cli-process.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { eventually } from '../../support/eventually.ts'
import type { Json } from '../../support/protocol-client.ts'
import { newPerson, type Person } from '../operator-team/person.ts'
import { type ChromiumPage, startChromium } from './chromium-page.ts'

const DOMAIN = 'passkeys.example.com'
/** A folder for pictures of the pages, for people who want to look at them. */
const PICTURES = process.env['AUTH4AGENT_PICTURES_DIR']

let deployment: Deployment
let alice: Person
let page: ChromiumPage
let operatorId: string
let authenticatorId: string
let link: string
let kid: string
let credentialId: string

beforeAll(async () => {
  ;[deployment, alice] = await Promise.all([startDeployment(), newPerson()])
  const { port } = new URL(deployment.server.baseUrl)
  // The page must have the origin of the issuer, and the server of the test listens elsewhere.
  page = await startChromium([`--host-resolver-rules=MAP localhost:8080 127.0.0.1:${port}`])
  await page.send('Page.enable')
  await page.send('WebAuthn.enable')
  const added = await page.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  authenticatorId = String(added['authenticatorId'])
})
afterAll(async () => {
  await page?.[Symbol.asyncDispose]()
  await Promise.all([deployment?.stop(), alice?.[Symbol.asyncDispose]()])
})

const textOf = async (id: string) => String(await page.run(`document.getElementById('${id}')?.textContent ?? ''`))
const picture = async (name: string) => {
  if (PICTURES !== undefined) await writeFile(join(PICTURES, `${name}.png`), await page.picture())
}

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
      await picture(`${name}-${scheme}-${width}`)
    }
  }
}

/** Runs in the page: signs an assertion with the passkey. */
const SIGN = `async ({ kid, claims, id }) => {
  const encode = (bytes) => new Uint8Array(bytes).toBase64({ alphabet: 'base64url', omitPadding: true })
  const json = (value) => encode(new TextEncoder().encode(JSON.stringify(value)))
  const header = { alg: 'urn:auth4agent:alg:webauthn', typ: 'auth4agent-operator+jwt', kid }
  const input = json(header) + '.' + json(claims)
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(input))
  const allowCredentials = [{ type: 'public-key', id: Uint8Array.fromBase64(id, { alphabet: 'base64url' }) }]
  const publicKey = { challenge, allowCredentials, userVerification: 'required' }
  const { authenticatorData, clientDataJSON, signature } = (await navigator.credentials.get({ publicKey })).response
  const proof = { authenticatorData, clientDataJSON, signature }
  for (const name of Object.keys(proof)) proof[name] = encode(proof[name])
  return 'Bearer ' + input + '.' + json(proof)
}`

/** Lets the passkey of the page sign a call. Resolves with the Authorization header. */
async function signByPage(claims: Json): Promise<string> {
  return String(await page.run(`(${SIGN})(${JSON.stringify({ kid, claims, id: credentialId })})`))
}

/** Calls the server with an assertion of the passkey. */
async function callByPasskey(verb: string, path: string, body: string, edits: Json = {}): Promise<Response> {
  const nonces = await fetch(`${deployment.server.baseUrl}/v1/passkey-nonces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(nonces.status).toBe(200)
  const { nonce } = (await nonces.json()) as Json
  const iat = Math.floor(Date.now() / 1000)
  const party = { iss: operatorId, sub: operatorId, aud: ISSUER, iat, exp: iat + 60, jti: randomUUID() }
  const claims = { ...party, rpc: `${verb} ${path}`, body: bodyDigest(body), nonce, ...edits }
  const authorization = await signByPage(claims)
  const headers = { authorization, ...(body !== '' && { 'content-type': 'application/json' }) }
  return fetch(deployment.server.baseUrl + path, { method: verb, headers, ...(body !== '' && { body }) })
}

describe('a person who is invited to make a passkey', () => {
  it('1. alice proves the domain, and prints a link', async () => {
    const server = `--server ${deployment.server.baseUrl} --issuer ${ISSUER}`
    await alice.json(`init --operator --domain ${DOMAIN} ${server}`)
    operatorId = String((await alice.json('operator register')).id)
    const { txt_record_name, txt_record_value } = await alice.json('operator show-proof')
    deployment.dns.setTxt(String(txt_record_name), [String(txt_record_value)])
    await alice.json('operator confirm')
    const made = await alice.json(
      'operator-key invite --label laptop --person Alice --role policy,audit.read --no-wait',
    )
    link = String(made['link'])
    expect(link).toMatch(/^http:\/\/localhost:8080\/people\/passkey#eyJ/)
  })

  it('2. the page forbids frames, other scripts and other servers', async () => {
    const answer = await fetch(`${deployment.server.baseUrl}/people/passkey`)
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  })

  it('3. a link without an invitation says what to do', async () => {
    await page.open(`${ISSUER}/people/passkey`)
    expect(await textOf('message')).toBe('This link is not complete. Copy all of it, or ask for a new one.')
    await expectAccessible('incomplete')
  })

  it('4. the page says who invites, to what, and axe finds nothing', async () => {
    await page.open('about:blank')
    await page.open(link)
    await eventually(async () => expect(await textOf('operator')).toBe(DOMAIN))
    expect(await textOf('label')).toBe('Alice (laptop)')
    expect(await textOf('roles')).toContain('Change the policy of the operatorpolicy')
    await expectAccessible('invitation')
  })

  it('5. the person makes the passkey, and its request waits', async () => {
    const { credentials } = await page.send('WebAuthn.getCredentials', { authenticatorId })
    expect(credentials).toEqual([])
    await page.run(`document.getElementById('make').click()`)
    kid = await eventually(async () => {
      const shown = await textOf('kid')
      if (shown === '') throw new Error(`There is no thumbprint yet: ${await textOf('message')}`)
      return shown
    })
    const made = await page.send('WebAuthn.getCredentials', { authenticatorId })
    const [credential] = made['credentials'] as Json[]
    credentialId = Buffer.from(String(credential?.['credentialId']), 'base64').toString('base64url')
    await expectAccessible('ready')
    const { requests } = await alice.json('operator-key list-requests')
    expect(requests).toMatchObject([{ kid, label: 'laptop', roles: ['policy', 'audit.read'], person: 'Alice' }])
    expect(await page.run('location.hash')).toBe('')
  })

  it('6. the passkey can do nothing yet', async () => {
    const answer = await callByPasskey('GET', `/v1/operators/${operatorId}/policy`, '')
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ reason: 'INVALID_ASSERTION' })
  })

  it('7. the link works only once', async () => {
    await page.open('about:blank')
    await page.open(link)
    await eventually(async () => expect(await textOf('operator')).toBe(DOMAIN))
    await page.run(`document.getElementById('make').click()`)
    await eventually(async () => expect(await textOf('message')).toBe('The invitation is not valid: it has been used.'))
    await expectAccessible('used')
  })

  it('8. alice adds the passkey, and its request waits no longer', async () => {
    const { keys } = await alice.json(`operator-key add --waiting=${kid}`)
    expect(keys).toMatchObject([{ kid, label: 'laptop', person: 'Alice', webauthn: { rp_id: 'localhost' } }])
    expect(await alice.json('operator-key list-requests')).toEqual({ requests: [] })
  })

  it('9. the passkey signs calls that its roles allow, and no others', async () => {
    const path = `/v1/operators/${operatorId}/policy`
    const read = await callByPasskey('GET', path, '')
    expect([read.status, await read.json()]).toMatchObject([200, { hide_allowed_scopes: false }])
    const set = await callByPasskey(
      'PUT',
      path,
      JSON.stringify({ require_body_digest: true, hide_allowed_scopes: true }),
    )
    expect([set.status, await set.json()]).toMatchObject([200, { hide_allowed_scopes: true }])
    const end = await callByPasskey('POST', `/v1/operators/${operatorId}/end-all-tokens`, '{"reason":"x"}')
    expect([end.status, await end.json()]).toMatchObject([403, { reason: 'ROLE_REQUIRED' }])
    const stale = await callByPasskey('GET', path, '', { nonce: 'x' })
    expect([stale.status, await stale.json()]).toMatchObject([401, { reason: 'INVALID_ASSERTION' }])
  })

  it('10. the audit proves on the machine of alice that the passkey signed the change', async () => {
    const listed = await alice.json<Record<string, Json[]>>('audit list --action operator.set-policy')
    const record = Object.values(listed)
      .flat()
      .find((each) => each['kid'] === kid)
    const shown = await alice.json(`audit show ${String(record?.['id'])}`)
    expect(shown).toMatchObject({
      signatures: [{ kid, label: 'laptop', kind: 'assertion', valid: true, trusted: true, covers_body: true }],
    })
  })

  it('11. alice removes the passkey, and every process refuses it', async () => {
    await alice.json('operator-key remove laptop')
    const answer = await callByPasskey('GET', `/v1/operators/${operatorId}/policy`, '')
    expect([answer.status, await answer.json()]).toMatchObject([401, { reason: 'INVALID_ASSERTION' }])
  })

  it('12. alice invites once more, and the tool waits and adds the passkey', async () => {
    const words = 'operator-key invite --label phone --role audit.read --yes'.split(' ')
    const tool = startCli(words, { HOME: alice.home })
    const shown = await eventually(() => {
      const [found] = /http:\S+#eyJ\S+/.exec(tool.output().stderr) ?? []
      if (found === undefined) throw new Error(`There is no link yet: ${tool.output().stderr}`)
      return found
    })
    await page.open('about:blank')
    await page.open(shown)
    await eventually(async () => expect(await textOf('operator')).toBe(DOMAIN))
    await page.run(`document.getElementById('make').click()`)
    expect(await tool.ended).toBe(0)
    const made = await textOf('kid')
    expect(tool.output().stderr).toContain(`passkey: ${made}`)
    expect(tool.output().stdout).toMatch(/^key added: phone\n/)
    const { keys } = await alice.json('operator-key list')
    expect(keys).toMatchObject([{ kid: made, label: 'phone', roles: ['audit.read'], webauthn: { rp_id: 'localhost' } }])
  })

  it.each(['', ' --yes --json', ' --yes --quiet'])(
    '13. the tool does not wait where nobody sees the link: %s',
    async (more) => {
      const { code, stdout, stderr } = await alice.run(`operator-key invite --label tablet --role audit.read${more}`)
      expect([code, stdout + stderr]).toEqual([2, expect.stringContaining('--no-wait')])
    },
  )
})
