import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import { exportJWK, generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { type PeopleWorld, startPeopleWorld } from './world.ts'

/** A folder for pictures of the pages, for people who want to look at them. */
const PICTURES = process.env['AUTH4AGENT_PICTURES_DIR']
const started = new AsyncDisposableStack()
let world: PeopleWorld
beforeAll(async () => {
  world = await startPeopleWorld(started)
  const { audiences } = await world.operator.policy.get()
  const users = audiences.find(({ audience }) => audience === world.audience)?.users
  if (!users) throw new Error('The audience lets no users come')
  const rule = { audience: world.audience, callers: [], users: { ...users, device: true } }
  await world.operator.policy.set({ audiences: [rule] })
  await world.page.send('Page.enable')
})
afterAll(() => started.disposeAsync())

const text = async () => String(await world.page.run('document.body.innerText'))
const press = (decision: 'allow' | 'refuse') => world.page.click(`button[value=${decision}]`)

/** Expects that axe finds nothing, with both colour schemes, also on a narrow screen, where nothing may scroll. */
async function expectAccessible(name: string): Promise<void> {
  const { page } = world
  for (const scheme of ['light', 'dark']) {
    for (const width of [1_000, 320]) {
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
      await page.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false })
      const found = await page.run(`${axe.source};axe.run().then(({ violations }) => violations.map(({ id }) => id))`)
      expect(found, `${name}, ${scheme}, ${width}`).toEqual([])
      expect(await page.run('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      if (PICTURES !== undefined)
        await writeFile(join(PICTURES, `${name}-${scheme}-${width}.png`), await page.picture())
    }
  }
}

/** Opens the page of a device as Alice, who signs in if she has not just done so. */
async function openPage(uri: string): Promise<void> {
  const { page } = world
  await page.open(uri)
  if ((await page.run(`document.querySelector('#who') !== null`)) === true) {
    await page.run(`document.querySelector('#who').value = 'acme.test'`)
    await page.click('form button')
    await page.run(`document.querySelector('a[href$="/alice"]')?.click()`)
  }
  await eventually(async () => {
    if ((await page.run(`document.querySelector('#code') !== null`)) !== true) throw new Error('No page')
  })
}

async function type(code: string): Promise<void> {
  await world.page.run(`document.querySelector('#code').value = ${JSON.stringify(code)}`)
  await world.page.click('form button')
}

/** Asks the server whether a token is genuine, in time and not ended. */
async function isValid(token: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ token, delegation: 'inspect' })
  const response = await fetch(`${world.issuer}/v1/verify`, { method: 'POST', headers, body })
  return Object(await response.json()).valid
}

const discover = (clientId: string, proof: openid.ClientAuth) =>
  openid.discovery(new URL(world.issuer), clientId, undefined, proof, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  })

describe.each([
  ['without DPoP', false],
  ['with DPoP', true],
])('a device with openid-client %s', (_name, isBound) => {
  it('gets a token when its person has typed the code and allowed it', async () => {
    const { audience: resource, clientId } = world
    const config = await discover(clientId, openid.None())
    const bound = isBound ? { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair()) } : {}
    const device = await openid.initiateDeviceAuthorization(config, { resource, scope: 'search' })
    expect(device).toMatchObject({ verification_uri: `${world.issuer}/people/device`, expires_in: 600, interval: 5 })
    expect(device.verification_uri_complete).toBeUndefined()
    await openPage(device.verification_uri)
    await type('BBBB-BBBB')
    expect(await text()).toContain('No device waits with this code')
    await expectAccessible('device-wrong')
    await openPage(device.verification_uri)
    await expectAccessible('device')
    await type(device.user_code.toLowerCase())
    const shown = await text()
    expect(shown).toContain(new URL(clientId).host)
    expect(shown).toContain('You started this on another device less than 10 minutes ago')
    expect(shown).toContain('Search your documents')
    await expectAccessible('device-consent')
    await press('allow')
    expect(await text()).toContain('Go back to your device')
    await expectAccessible('device-done')
    const first = await openid.pollDeviceAuthorizationGrant(config, device, { resource }, bound)
    expect(first).toMatchObject({ scope: 'search', token_type: isBound ? 'dpop' : 'bearer' })
    const second = await openid.refreshTokenGrant(config, first.refresh_token ?? '', { resource }, bound)
    expect(await isValid(second.access_token)).toBe(true)
    await openid.tokenRevocation(config, second.refresh_token ?? '')
    expect([await isValid(first.access_token), await isValid(second.access_token)]).toEqual([false, false])
  })
})

it('a device with private_key_jwt gets a token, and nobody gets one without its key', async () => {
  const { audience: resource } = world
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' }] }
  const clientId = world.publish('keyed-device', { token_endpoint_auth_method: 'private_key_jwt', jwks })
  const bare = await discover(clientId, openid.None())
  await expect(openid.initiateDeviceAuthorization(bare, { resource })).rejects.toMatchObject({
    error: 'invalid_client',
  })
  const config = await discover(clientId, openid.PrivateKeyJwt({ key: privateKey, kid: 'key-1' }))
  const device = await openid.initiateDeviceAuthorization(config, { resource })
  await openPage(device.verification_uri)
  await type(device.user_code)
  await press('allow')
  const stolen = openid.pollDeviceAuthorizationGrant(bare, device, { resource })
  await expect(stolen).rejects.toMatchObject({ error: 'invalid_client' })
  const { access_token: token } = await openid.pollDeviceAuthorizationGrant(config, device, { resource })
  expect(await isValid(token)).toBe(true)
})

it('a device with oauth4webapi learns that its person waits, and that its person refuses', async () => {
  const issuer = new URL(world.issuer)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const client = { client_id: world.clientId }
  const none = oauth.None()
  const wanted = { resource: world.audience }
  const asked = await oauth.deviceAuthorizationRequest(server, client, none, wanted, insecure)
  const device = await oauth.processDeviceAuthorizationResponse(server, client, asked)
  const ask = async () => {
    const answer = await oauth.deviceCodeGrantRequest(server, client, none, device.device_code, insecure)
    return oauth.processDeviceCodeResponse(server, client, answer)
  }
  await expect(ask()).rejects.toMatchObject({ error: 'authorization_pending' })
  await expect(ask()).rejects.toMatchObject({ error: 'slow_down' })
  await openPage(device.verification_uri)
  await type(device.user_code)
  await press('refuse')
  expect(await text()).toContain('The device gets no access')
  await new Promise((resolve) => setTimeout(resolve, 10_500))
  await expect(ask()).rejects.toMatchObject({ error: 'access_denied' })
})
