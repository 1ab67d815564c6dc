import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readEntityKeys } from '../../../services/federation/domain/entity-keys.ts'
import { resolveChains } from '../../../services/federation/domain/resolve-chains.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type KeysAdmin, keysAdmin, type ListedKey, publishedKids, QUICK_KEYS } from '../../support/signing-keys.ts'
import { until } from '../../support/until.ts'

const AUTHORITY = `${ISSUER}/federation`
const CONFIGURATION = '/federation/.well-known/openid-federation'

let deployment: Deployment
let admin: KeysAdmin

beforeAll(async () => {
  deployment = await startDeployment({ env: QUICK_KEYS })
  admin = keysAdmin(deployment.client, deployment.admin)
})
afterAll(() => deployment?.stop())

/** Fetches a JWT below the issuer, which must have its media type. */
async function fetchJwt(path: string, subtype: string): Promise<string> {
  const answer = await fetch(deployment.server.baseUrl + path)
  expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, `application/${subtype}`])
  return answer.text()
}

const readStatement = (path: string) => fetchJwt(path, 'entity-statement+jwt')
const payloadOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

/** Reads the keys that an administrator elsewhere would pin. */
async function readPins() {
  const keys = readEntityKeys(payloadOf(await readStatement(CONFIGURATION)).jwks)
  if (keys === undefined) throw new Error('The authority must show its keys')
  return keys
}

/** Resolves the issuer as another deployment does, with these pins. */
function resolveWith(keys: Awaited<ReturnType<typeof readPins>>) {
  return resolveChains(ISSUER, [{ entityId: AUTHORITY, keys }], {
    fetch: (url) => readStatement(url.replace(ISSUER, '')),
    now: Date.now,
  })
}

async function federationKeys(): Promise<readonly ListedKey[]> {
  return (await admin.list()).keys.filter(({ purpose }) => purpose === 'federation')
}

it('a deployment elsewhere finds the chain from the issuer to the pinned authority', async () => {
  const found = await resolveWith(await readPins())
  expect(found).toMatchObject({ ok: true, deadEnds: [], chain: { path: [ISSUER, AUTHORITY], unpinned: [] } })
  if (!found.ok) throw new Error(found.text)
  expect(found.chain.metadata.get('oauth_authorization_server')).toMatchObject({
    issuer: ISSUER,
    jwks_uri: `${ISSUER}/.well-known/jwks.json`,
  })
})

it('a deployment elsewhere finds no chain when it has pinned other keys', async () => {
  const [first, ...others] = (await federationKeys()).filter(({ state }) => state === 'active')
  const pins = new Map([...(await readPins())].filter(([kid]) => kid !== first?.kid))
  expect(others).toEqual([])
  expect(await resolveWith(pins)).toMatchObject({ ok: false, rule: 'KEY_NOT_PINNED' })
})

it('the JWKS of tokens has no federation key', async () => {
  const kids = await publishedKids(deployment.client)
  expect((await federationKeys()).filter(({ kid }) => kids.includes(kid))).toEqual([])
})

it('the resolve endpoint answers with the same chain', async () => {
  const query = new URLSearchParams({ sub: ISSUER, trust_anchor: AUTHORITY })
  const { metadata, trust_chain: chain } = payloadOf(
    await fetchJwt(`/federation/resolve?${query.toString()}`, 'resolve-response+jwt'),
  )
  expect(metadata.oauth_authorization_server.issuer).toBe(ISSUER)
  expect(chain.map((text: string) => payloadOf(text).iss)).toEqual([ISSUER, AUTHORITY, AUTHORITY])
})

it('pins outlast a rotation, because the keys that sign next are published ahead', async () => {
  // The key that signs, and two in reserve.
  const pins = await until(readPins, ({ size }) => size === 3)
  const before = decodeProtectedHeader(await readStatement(CONFIGURATION)).kid
  const { kid = '' } = (await federationKeys()).find((key) => key.state === 'prepared' && pins.has(key.kid)) ?? {}
  await until(
    () => admin.rotate({ kid }),
    ({ status }) => status === 200,
  )
  // A process signs with the old key for as long as it remembers the keys.
  await until(
    async () => decodeProtectedHeader(await readStatement(CONFIGURATION)).kid,
    (signer) => signer !== before,
  )
  const found = await resolveWith(pins)
  expect(found.ok ? [] : [found.rule, found.text, found.deadEnds]).toEqual([])
})

it('a key that was marked as compromised is in no statement, and is a historical key', async () => {
  const pins = await until(readPins, ({ size }) => size >= 3)
  const active = (await federationKeys()).find(({ state }) => state === 'active')?.kid ?? ''
  await until(
    () => admin.compromise(active),
    ({ status }) => status === 200,
  )
  expect((await readPins()).has(active)).toBe(false)
  const found = await resolveWith(pins)
  expect(found.ok ? [] : [found.rule, found.text, found.deadEnds]).toEqual([])
  const { iss, keys } = payloadOf(await fetchJwt('/federation/historical-keys', 'jwk-set+jwt'))
  expect(iss).toBe(AUTHORITY)
  expect(keys).toMatchObject([{ kid: active, revoked: { reason: 'compromised' } }])
})
