import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { signOperatorManifest } from '../../../sdk/src/sign-operator-manifest.ts'
import { fingerprint, formatDid } from '../identity/did.ts'
import { operatorId } from '../identity/operator-id.ts'
import type { OperationalKey } from '../identity/operator-manifest.ts'
import { type JwsSigner, signerJwk, signerKid } from '../jose/signer-jwk.ts'
import { thumbprint } from '../jose/thumbprint.ts'
import { signP256 } from '../keys/ecdsa-p256.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { MAX_BUNDLE_BYTES, verifyAgentBundle } from './agent-bundle.ts'
import { type AgentBundle, formatAgentBundle, parseAgentBundle } from './bundle-text.ts'
import { parseKeyEvent, recordedInception } from './key-event.ts'
import { replayKeyEvents } from './replay-key-events.ts'
import { ed25519Jwk, type KeyChange, type KeySigner, signInception, signKeyEvent } from './sign-key-event.ts'
import { signAgentRelease } from './sign-release.ts'

const NOW = 1_800_000_000
const SOURCE = 'https://auth.acme.example'
const TARGET = {
  issuer: 'https://auth.other.example',
  operatorId: '11111111-1111-8111-8111-111111111111',
  domain: 'other.example',
}

function newKey(): JwsSigner & { readonly keySigner: KeySigner } {
  const { publicKey, privateKey } = generateKeyPair()
  const sign = async (message: Uint8Array) => privateKey.sign(message)
  return { publicKey, sign, keySigner: { alg: 'EdDSA', jwk: ed25519Jwk(publicKey), sign } }
}

function newP256(): JwsSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  return { alg: 'ES256', publicKey: point, sign: async (message) => signP256(privateKey, message) }
}

const [first, second, root, newRoot] = [newKey(), newKey(), newKey(), newKey()]
const [manager, other] = [newP256(), newP256()]
const did = formatDid('acme.example', fingerprint(first.publicKey))
const to = formatDid(TARGET.domain, fingerprint(first.publicKey))
const RELEASER = operatorId({ issuer: SOURCE, domain: 'acme.example', thumbprint: thumbprint(root.publicKey) })

function manifest(
  signer: JwsSigner,
  seq: number,
  rootKey: JwsSigner,
  keys: readonly Omit<OperationalKey, 'kid'>[] = [],
) {
  const rootKeys = [{ jwk: ed25519Jwk(rootKey.publicKey), label: 'alice' }]
  return signOperatorManifest(signer, {
    operatorId: RELEASER,
    issuer: SOURCE,
    nowS: NOW,
    seq,
    threshold: 1,
    rootKeys,
    keys,
  })
}

function key(signer: JwsSigner, edits: Partial<OperationalKey> = {}): Omit<OperationalKey, 'kid'> {
  const jwk = signerJwk(signer) as OperationalKey['jwk']
  return { jwk, label: 'pipeline', roles: ['agents.manage'], nbf: NOW - 60, exp: NOW + 3600, ...edits }
}

async function append(events: readonly string[], signer: JwsSigner, change: KeyChange): Promise<string[]> {
  const replayed = replayKeyEvents(events)
  if (!replayed.ok) throw new Error(replayed.demand)
  return [...events, await signKeyEvent(signer, replayed.state, change, NOW)]
}

const MOVE = { type: 'move', to, operatorId: TARGET.operatorId, issuer: TARGET.issuer } as const

/** Returns a log that ends with a move: inception, rotation, move. */
async function moved(
  move: { readonly to?: string; readonly operatorId?: string; readonly issuer?: string } = {},
): Promise<string[]> {
  const begun = [await signInception(first, { did, nowS: NOW, next: signerKid(second) })]
  const rotated = await append(begun, first, { type: 'rotate', key: second.keySigner })
  return append(rotated, second, { ...MOVE, ...move })
}

interface Edits {
  readonly signer?: JwsSigner
  readonly at?: number
  readonly operatorId?: string
  readonly manifests?: readonly string[]
}

async function bundleOf(events: readonly string[], edits: Edits = {}): Promise<AgentBundle> {
  const { signer = root, at = NOW, operatorId = RELEASER, manifests = [] } = edits
  const move = parseKeyEvent(events.at(-1) ?? '')
  const event = move.ok ? move.digest : ''
  const release = await signAgentRelease(signer, { operatorId, did, event, to, nowS: at })
  return { events, release, issuer: SOURCE, foundingPublicKey: root.publicKey, manifests }
}

let good: AgentBundle
beforeAll(async () => {
  good = await bundleOf(await moved())
})

describe('verifyAgentBundle', () => {
  it('returns the state after the move and the operator that released the agent', () => {
    expect(verifyAgentBundle(good, TARGET)).toMatchObject({
      ok: true,
      state: { did: to, previousDids: [did], seq: 2, kid: signerKid(second) },
      move: { did, to },
      release: { iat: NOW, kid: signerKid(root) },
      source: { issuer: SOURCE, operatorId: RELEASER, domain: 'acme.example' },
    })
  })

  it('verifies a bundle that was written to a file and read', () => {
    const read = parseAgentBundle(formatAgentBundle(good))
    expect(read && verifyAgentBundle(read, TARGET)).toMatchObject({ ok: true })
  })

  it('accepts a recorded inception', async () => {
    const begun = [recordedInception({ did, key: ed25519Jwk(first.publicKey), iat: NOW })]
    const bundle = await bundleOf(await append(begun, first, MOVE))
    expect(verifyAgentBundle(bundle, TARGET)).toMatchObject({ ok: true, state: { recorded: true } })
  })

  it('accepts the release of an operational key with the role agents.manage', async () => {
    const manifests = [await manifest(root, 1, root, [key(manager)])]
    const bundle = await bundleOf(good.events, { signer: manager, manifests })
    expect(verifyAgentBundle(bundle, TARGET)).toMatchObject({ ok: true, release: { kid: signerKid(manager) } })
  })

  it('accepts the release of a root key that replaced the founding key', async () => {
    const manifests = [await manifest(root, 1, newRoot), await manifest(newRoot, 2, newRoot)]
    expect(verifyAgentBundle(await bundleOf(good.events, { signer: newRoot, manifests }), TARGET).ok).toBe(true)
  })

  it.each<[string, () => Promise<AgentBundle>, object]>([
    ['no event', async () => ({ ...good, events: [] }), { part: 'move' }],
    ['no move at the end', async () => ({ ...good, events: good.events.slice(0, -1) }), { part: 'move' }],
    ['a move to another server', async () => bundleOf(await moved({ issuer: 'https://x.example' })), { part: 'move' }],
    [
      'a move to another operator',
      async () => bundleOf(await moved({ operatorId: '22222222-2222-8222-8222-222222222222' })),
      { part: 'move', demand: `the operator_id of the move must be ${TARGET.operatorId}` },
    ],
    [
      'a move to another domain',
      async () => bundleOf(await moved({ to: formatDid('third.example', fingerprint(first.publicKey)) })),
      { part: 'move', demand: 'the new DID of the move must be under other.example' },
    ],
    ['the issuer of the importing server', async () => ({ ...good, issuer: TARGET.issuer }), { part: 'move' }],
    ['another issuer', async () => ({ ...good, issuer: 'https://auth.evil.example' }), { part: 'operator' }],
    ['another founding key', async () => ({ ...good, foundingPublicKey: newRoot.publicKey }), { part: 'operator' }],
    [
      'a founding key that is too long',
      async () => ({ ...good, foundingPublicKey: new Uint8Array(33) }),
      { part: 'operator' },
    ],
    ['no release', async () => ({ ...good, release: '' }), { part: 'release' }],
    [
      'the release of an earlier move',
      async () => ({ ...good, release: (await bundleOf(await moved({ operatorId: RELEASER }))).release }),
      { part: 'release', demand: expect.stringContaining('the digest of the move') },
    ],
    [
      'the release by a stranger',
      () => bundleOf(good.events, { signer: other }),
      { part: 'release', demand: 'the kid of the release must be the thumbprint of an operator key' },
    ],
    [
      'the release in the name of another operator',
      () => bundleOf(good.events, { operatorId: TARGET.operatorId }),
      { part: 'operator' },
    ],
    [
      'the release by a key without the role',
      async () =>
        bundleOf(good.events, {
          signer: manager,
          manifests: [await manifest(root, 1, root, [key(manager, { roles: ['agents.register', 'keys'] })])],
        }),
      { part: 'release', demand: 'the key of the release must have the role agents.manage' },
    ],
    [
      'the release by a passkey, although the signature is right',
      async () => {
        const webauthn = { rpId: new URL(good.issuer).hostname, credentialId: 'AQID' }
        const manifests = [await manifest(root, 1, root, [key(manager, { webauthn })])]
        return bundleOf(good.events, { signer: manager, manifests })
      },
      { part: 'release', demand: 'the key of the release must not be a passkey' },
    ],
    [
      'the release by a key that had expired',
      async () =>
        bundleOf(good.events, {
          signer: manager,
          at: NOW + 3600,
          manifests: [await manifest(root, 1, root, [key(manager)])],
        }),
      { part: 'release', demand: 'the key of the release must be valid at that time' },
    ],
    [
      'the release by a key that was not valid yet',
      async () =>
        bundleOf(good.events, {
          signer: manager,
          at: NOW - 61,
          manifests: [await manifest(root, 1, root, [key(manager)])],
        }),
      { part: 'release' },
    ],
    [
      'the release by a key that the last manifest no longer has',
      async () =>
        bundleOf(good.events, {
          signer: manager,
          manifests: [await manifest(root, 1, root, [key(manager)]), await manifest(root, 2, root)],
        }),
      { part: 'release' },
    ],
    [
      'a manifest that no root key of the one before has signed',
      async () => bundleOf(good.events, { signer: newRoot, manifests: [await manifest(newRoot, 1, newRoot)] }),
      { part: 'operator' },
    ],
    [
      'a rotation to a key that was not committed',
      async () => {
        const begun = [await signInception(first, { did, nowS: NOW, next: signerKid(second) })]
        const forged = newKey()
        const replayed = replayKeyEvents(begun)
        if (!replayed.ok) throw new Error('unreachable')
        const state = { ...replayed.state, next: undefined }
        const rotation = await signKeyEvent(first, state, { type: 'rotate', key: forged.keySigner }, NOW)
        const parsed = parseKeyEvent(rotation)
        const head = parsed.ok ? parsed.digest : ''
        return bundleOf([...begun, rotation, await signKeyEvent(forged, { ...state, seq: 1, head }, MOVE, NOW)])
      },
      { part: 'log', demand: expect.stringContaining('event 1 of the bundle is refused: ') },
    ],
    [
      'a move without the key to which the agent committed',
      async () => {
        const begun = [await signInception(first, { did, nowS: NOW, next: signerKid(second) })]
        return bundleOf(await append(begun, first, MOVE))
      },
      { part: 'log', demand: expect.stringContaining('the event must have the key to which the agent committed') },
    ],
    [
      'a log in the wrong order',
      async () => ({ ...good, events: [1, 0, 2].map((at) => good.events[at] ?? '') }),
      { part: 'log' },
    ],
    ['a log without its beginning', async () => ({ ...good, events: good.events.slice(1) }), { part: 'log' }],
    [
      'an event twice',
      async () => ({ ...good, events: [0, 1, 1, 2].map((at) => good.events[at] ?? '') }),
      { part: 'log' },
    ],
    [
      'more than the largest size',
      async () => ({ ...good, manifests: ['x'.repeat(MAX_BUNDLE_BYTES)] }),
      { part: 'size', demand: expect.stringContaining(`at most ${MAX_BUNDLE_BYTES} bytes`) },
    ],
  ])('refuses a bundle with %s', async (_name, make, refusal) => {
    expect(verifyAgentBundle(await make(), TARGET)).toMatchObject({ ok: false, ...refusal })
  })

  it('refuses a bundle in which any one byte of a signed text is changed', () => {
    const texts: readonly (readonly [string, (text: string) => AgentBundle])[] = [
      ...good.events.map((event, at): readonly [string, (text: string) => AgentBundle] => [
        event,
        (text) => ({ ...good, events: good.events.with(at, text) }),
      ]),
      [good.release, (text) => ({ ...good, release: text })],
    ]
    const accepted = texts.flatMap(([text, put]) =>
      Array.from({ length: text.length }, (_, at) => at).flatMap((at) => {
        const changed = flipped(text, at)
        return verifyAgentBundle(put(changed), TARGET).ok ? [`${at}: ${changed}`] : []
      }),
    )
    expect(accepted).toEqual([])
  })

  it('refuses a bundle in which any one byte of the founding key is changed', () => {
    const accepted = [...good.foundingPublicKey.keys()].filter((at) => {
      const foundingPublicKey = good.foundingPublicKey.map((byte, index) => (index === at ? byte ^ 1 : byte))
      return verifyAgentBundle({ ...good, foundingPublicKey }, TARGET).ok
    })
    expect(accepted).toEqual([])
  })
})

/** Replaces one character by its neighbour in the alphabet. */
function flipped(text: string, at: number): string {
  const code = text.charCodeAt(at)
  return `${text.slice(0, at)}${String.fromCharCode(code % 2 === 0 ? code + 1 : code - 1)}${text.slice(at + 1)}`
}

it.each([
  ['text that is not JSON', 'bundle'],
  ['an array', '[]'],
  ['a missing member', '{"events":[],"release":"","issuer":"","manifests":[]}'],
  ['an unknown member', '{"events":[],"release":"","issuer":"","founding_public_key":"","manifests":[],"more":1}'],
  ['an event that is not a string', '{"events":[1],"release":"","issuer":"","founding_public_key":"","manifests":[]}'],
  ['a key that is not base64', '{"events":[],"release":"","issuer":"","founding_public_key":"!","manifests":[]}'],
])('parseAgentBundle refuses %s', (_name, text) => {
  expect(parseAgentBundle(text)).toBeUndefined()
})
