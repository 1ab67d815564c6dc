import { createHash, createPublicKey, verify as cryptoVerify } from 'node:crypto'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { OperationalKey, RootJwk, RootKey } from '@auth4agent/core/identity/operator-manifest'
import { parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { describe, expect, it } from 'vitest'
import { generateP256KeyPair, signerFromP256KeyPair } from './keys/p256.ts'
import { generatePrivateKey } from './node/index.ts'
import { createOperator, type OperatorOptions } from './operator.ts'
import { approveRequest } from './operator-request.ts'
import { signOperatorManifest } from './sign-operator-manifest.ts'
import type { OperatorSigner, Signer } from './signer.ts'

const SERVER = 'https://auth.example'
const NOW_S = 1_800_000_000
const now = () => NOW_S * 1000
const [alice, bob, mallory] = [newRoot(), newRoot(), newRoot()]
const pipeline = await signerFromP256KeyPair(await generateP256KeyPair())
const ID = operatorId({ issuer: SERVER, domain: 'acme.example', thumbprint: alice.kid })
const PATH = `/v1/operators/${ID}/keys`

interface Root extends RootKey {
  readonly signer: Signer
}

function newRoot(): Root {
  const { signer } = generatePrivateKey()
  const jwk = signerJwk(signer)
  if (jwk.kty !== 'OKP') throw new Error('A root key is of Ed25519')
  return { signer, jwk, kid: signerKid(signer), label: signerKid(signer).slice(0, 8) }
}

const operational = (signer: OperatorSigner, label: string): Omit<OperationalKey, 'kid'> => {
  const jwk = signerJwk(signer)
  if (jwk.kty === 'RSA') throw new Error('An operational key is of Ed25519 or P-256')
  return { jwk, label, roles: ['agents.register'], nbf: NOW_S, exp: NOW_S + 86_400 }
}

/** Signs a manifest of these root keys. */
const manifestOf = (signer: Signer, roots: readonly Root[], seq = 3, issuer = SERVER) =>
  signOperatorManifest(signer, {
    operatorId: ID,
    issuer,
    nowS: NOW_S,
    seq,
    threshold: roots.length,
    rootKeys: roots,
    keys: [operational(pipeline, 'pipeline')],
  })

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly text: string
}

/** A server that answers the call for the keys with this manifest, and records its requests. */
function keyServer(manifest: string, seq = 3) {
  const sent: Sent[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { method, url, headers } = new Request(input, init)
    sent.push({ method, path: new URL(url).pathname, headers, text: typeof init?.body === 'string' ? init.body : '' })
    const root_keys = [{ kid: alice.kid, label: '' }]
    const answer = { id: ID, seq, manifest, threshold: 1, root_keys, keys: [], status: 'released', released_at: 't' }
    return Response.json(answer)
  }
  return { sent, fetch }
}

const open = (fetch: typeof globalThis.fetch, options: Partial<OperatorOptions> = {}) =>
  createOperator({ server: SERVER, operatorId: ID, key: alice.signer, fetch, now, ...options })

/** Returns the claims of a JWS, after verifying its signature with node:crypto. */
function claimsOf(text: string, typ: string, { jwk }: { readonly jwk: RootJwk }) {
  const jws = parseCompactJws(text, { maxBytes: 40_000, algs: ['EdDSA'], typs: [typ] })
  if (!jws.ok) throw new Error(jws.why)
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  expect(cryptoVerify(null, jws.signingInput, key, jws.signature)).toBe(true)
  return jws.payload
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url')

/** Digests of manifests by bob and by mallory with the number 3, and by mallory with the number 2. */
const digests = (
  await Promise.all([
    manifestOf(bob.signer, [alice, bob]),
    manifestOf(mallory.signer, [alice, bob]),
    manifestOf(mallory.signer, [alice, bob], 2),
  ])
).map(digestOf)

describe('keys.get', () => {
  it('returns the keys of a manifest that the own root key has signed', async () => {
    const manifest = await manifestOf(alice.signer, [alice, bob])
    const keys = await open(keyServer(manifest).fetch).keys.get()
    expect(keys).toMatchObject({ seq: 3, threshold: 2, manifest, signedBy: alice.kid, isTrusted: true })
    expect(keys.rootKeys.map(({ kid }) => kid)).toEqual([alice.kid, bob.kid])
    expect(keys.keys).toMatchObject([{ kid: signerKid(pipeline), label: 'pipeline', exp: NOW_S + 86_400 }])
  })

  it.each<[string, Partial<OperatorOptions>, Root, boolean]>([
    ['trusts a known root key', { knownManifest: { seq: 2, rootKeys: [bob.jwk] } }, bob, true],
    [
      'trusts a known root key that has signed its own removal',
      { knownManifest: { seq: 3, rootKeys: [mallory.jwk] } },
      mallory,
      true,
    ],
    [
      'trusts the known manifest itself, although its signer has removed itself',
      { knownManifest: { seq: 3, rootKeys: [alice.jwk], digest: digests[1] } },
      mallory,
      true,
    ],
    [
      'does not trust a newer manifest of a removed root key',
      { knownManifest: { seq: 2, rootKeys: [alice.jwk], digest: digests[2] } },
      mallory,
      false,
    ],
    ['does not trust a root key that only the manifest itself names', {}, bob, false],
    ['does not trust a root key that nobody knows', {}, mallory, false],
    ['knows no root key with an operational key', { key: pipeline }, alice, false],
    ['trusts the root key beside an operational key', { key: pipeline, rootKey: alice.signer }, alice, true],
  ])('%s', async (_name, options, by, isTrusted) => {
    const { fetch } = keyServer(await manifestOf(by.signer, [alice, bob]))
    expect(await open(fetch, options).keys.get()).toMatchObject({ signedBy: by.kid, isTrusted })
  })

  it('rejects another manifest with the known number with UNEXPECTED_ANSWER, even by a known root key', async () => {
    const { fetch } = keyServer(await manifestOf(alice.signer, [alice, bob]))
    const knownManifest = { seq: 3, rootKeys: [alice.jwk], digest: digests[0] }
    await expect(open(fetch, { knownManifest }).keys.get()).rejects.toMatchObject({
      reason: 'UNEXPECTED_ANSWER',
      message: expect.stringContaining('is not the one that had the number 3 before'),
    })
  })

  it('returns the root key of an operator without a manifest', async () => {
    const keys = await open(keyServer('', 0).fetch).keys.get()
    expect(keys).toEqual({
      seq: 0,
      threshold: 1,
      rootKeys: [{ kid: alice.kid, jwk: alice.jwk, label: 'root' }],
      keys: [],
      manifest: '',
      signedBy: '',
      isTrusted: true,
    })
    await expect(open(keyServer('', 0).fetch, { key: bob.signer }).keys.get()).rejects.toMatchObject({
      reason: 'WRONG_KEY',
    })
  })

  it.each<[string, () => Promise<string>, number]>([
    ['that is no manifest', async () => 'x', 3],
    ['of another server', () => manifestOf(alice.signer, [alice], 3, 'https://other.example'), 3],
    ['with another number than the answer', () => manifestOf(alice.signer, [alice], 4), 3],
    ['that is older than the known one', () => manifestOf(alice.signer, [alice], 2), 2],
    ['that is gone, although one is known', async () => '', 0],
    [
      'with a signature by another key than it names',
      async () => {
        const [head, claims] = (await manifestOf(alice.signer, [alice])).split('.')
        const [, , signature] = (await manifestOf(bob.signer, [bob])).split('.')
        return `${head}.${claims}.${signature}`
      },
      3,
    ],
  ])('rejects a manifest %s with UNEXPECTED_ANSWER', async (_name, make, seq) => {
    const { fetch } = keyServer(await make(), seq)
    const knownManifest = { seq: 3, rootKeys: [alice.jwk] }
    await expect(open(fetch, { knownManifest }).keys.get()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})

describe('keys.set', () => {
  it('signs the next manifest with the root key, and an assertion for its exact bytes', async () => {
    const { sent, fetch } = keyServer(await manifestOf(alice.signer, [alice, bob]))
    const operator = open(fetch, { key: pipeline, rootKey: alice.signer })
    const current = await operator.keys.get()
    const laptop = operational(generatePrivateKey().signer, 'Zoë, laptop')
    expect(await operator.keys.set({ ...current, keys: [...current.keys, laptop] })).toMatchObject({ id: ID })
    const [read, call] = sent
    expect(parseCompactJws(bearer(read), { maxBytes: 4096, algs: ['ES256'], typs: [ASSERTION] })).toMatchObject({
      header: { kid: signerKid(pipeline) },
    })
    if (call === undefined) throw new Error('No second request was sent')
    expect(call).toMatchObject({ method: 'PUT', path: PATH })
    expect(call.headers.has('auth4agent-approval')).toBe(false)
    expect(claimsOf(bearer(call), ASSERTION, alice)).toMatchObject({ rpc: `PUT ${PATH}`, body: digestOf(call.text) })
    const { manifest } = JSON.parse(call.text) as { manifest: string }
    const parsed = parseOperatorManifest(manifest, { operatorId: ID, issuer: SERVER })
    if (!parsed.ok) throw new Error(parsed.why)
    expect(parsed.manifest).toMatchObject({ seq: 4, threshold: 2, keys: [{ label: 'pipeline' }, laptop] })
    claimsOf(manifest, 'auth4agent-operator-keys+jwt', alice)
  })

  it('rejects a set that get did not trust, one that is not valid, and one without a root key, and sends nothing', async () => {
    const { sent, fetch } = keyServer(await manifestOf(bob.signer, [alice, bob]))
    const operator = open(fetch)
    const current = await operator.keys.get()
    await expect(operator.keys.set(current)).rejects.toMatchObject({ reason: 'UNTRUSTED_MANIFEST' })
    const trusted = { ...current, isTrusted: true }
    await expect(operator.keys.set({ ...trusted, threshold: 3 })).rejects.toThrow('threshold of the manifest must be')
    await expect(open(fetch, { key: pipeline }).keys.set(trusted)).rejects.toThrow('Only a root key')
    expect(sent).toHaveLength(1)
  })
})

const ASSERTION = 'auth4agent-operator+jwt'
const APPROVAL = 'auth4agent-operator-approval+jwt'
const bearer = (sent: Sent | undefined) => sent?.headers.get('authorization')?.slice('Bearer '.length) ?? ''

describe('a prepared request', () => {
  it('is approved by further root keys, and sent with the approvals and the same bytes', async () => {
    const { sent, fetch } = keyServer(await manifestOf(alice.signer, [alice, bob]))
    const operator = open(fetch)
    const request = await operator.keys.prepare({ ...(await operator.keys.get()), threshold: 1 })
    expect(sent).toHaveLength(1)
    const approvals = await Promise.all(
      [bob, mallory].map(({ signer }) => approveRequest(request, { key: signer, now, lifetimeS: 604_770 })),
    )
    expect(await operator.send(request, approvals)).toMatchObject({ id: ID })
    const call = sent[1]
    expect(call).toMatchObject({ method: 'PUT', path: PATH, text: request.body })
    expect(call?.headers.get('auth4agent-approval')).toBe(approvals.join(','))
    expect(claimsOf(approvals[0] ?? '', APPROVAL, bob)).toEqual({
      iss: ID,
      sub: ID,
      aud: SERVER,
      iat: NOW_S - 30,
      exp: NOW_S + 604_770,
      jti: expect.any(String),
      rpc: `PUT ${PATH}`,
      body: digestOf(request.body),
    })
  })

  it('can release the domain, with the bytes that release itself sends', async () => {
    const { sent, fetch } = keyServer('')
    const operator = open(fetch, { server: 'http://127.0.0.1:9/auth/', issuer: SERVER })
    const request = operator.prepareRelease('sold')
    expect(request).toEqual({
      operatorId: ID,
      issuer: SERVER,
      rpc: `POST /auth/v1/operators/${ID}/release`,
      body: '{"reason":"sold"}',
    })
    const approval = await approveRequest(request, { key: bob.signer, now })
    expect(await operator.release('sold', [approval])).toMatchObject({ status: 'released' })
    expect(await operator.send(request, [approval])).toMatchObject({ status: 'released' })
    expect(sent.map(({ path, text }) => [path, text])).toEqual([
      [`/auth/v1/operators/${ID}/release`, request.body],
      [`/auth/v1/operators/${ID}/release`, request.body],
    ])
  })

  it.each([
    ['another operator', { operatorId: ID.replace(/^./, (first) => (first === 'f' ? 'e' : 'f')) }],
    ['another issuer', { issuer: 'https://other.example' }],
    ['another address', { rpc: `POST /v1/operators/${ID}/release` }],
  ])('of %s is not sent', async (_name, change) => {
    const { sent, fetch } = keyServer('')
    const operator = open(fetch, { server: 'http://127.0.0.1:9/auth', issuer: SERVER })
    await expect(operator.send({ ...operator.prepareRelease(), ...change })).rejects.toThrow(TypeError)
    expect(sent).toEqual([])
  })
})

describe('createOperator with a root key', () => {
  it('computes the id from the root key, or from the first root key, never from an operational key', () => {
    const options = { server: SERVER, domain: 'acme.example', now }
    expect(createOperator({ ...options, key: bob.signer, rootKey: alice.signer }).id).toBe(ID)
    expect(createOperator({ ...options, key: bob.signer, firstRootKey: alice.kid }).id).toBe(ID)
    expect(() => createOperator({ ...options, key: pipeline })).toThrow('Pass domain with a root key')
  })

  it('registers the root key and not the operational key', async () => {
    const { sent, fetch } = keyServer('')
    const options = { server: SERVER, domain: 'acme.example', fetch, now }
    await createOperator({ ...options, key: pipeline, rootKey: alice.signer })
      .register()
      .catch(() => undefined)
    expect(sent.map(({ text }) => JSON.parse(text))).toEqual([
      { domain: 'acme.example', root_public_key: Buffer.from(alice.signer.publicKey).toString('base64') },
    ])
    const without = createOperator({ ...options, operatorId: ID, key: pipeline })
    await expect(without.register()).rejects.toThrow('register() needs a root key')
  })
})
