import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ed25519Key, p256Key } from '../../../../test/support/operator-team.ts'
import { type ManifestContent, signOperatorManifest } from '../../../sdk/src/sign-operator-manifest.ts'
import { operatorId } from './operator-id.ts'
import { verifyManifestChain } from './verify-manifest-chain.ts'

const ROOT = join(import.meta.dirname, '../../../..')
/**
 * The readers of commit 26e2de2, before keys could be passkeys or name a person. Created by
 *
 *     git archive --format=tar 26e2de2 clients/core/package.json \
 *       clients/core/src/{identity,jose,encoding,names,keys,dpop,token,platform} ':!*.test.ts' | gzip -n9
 */
const ARCHIVE = join(ROOT, 'test/vectors/before-passkeys.tgz')

const NOW_S = 1_800_000_000
const ISSUER = 'https://auth.example'
const [alice, bob] = [ed25519Key('alice'), p256Key('bob')]
const OPERATOR = operatorId({ issuer: ISSUER, domain: 'acme.com', thumbprint: alice.kid })
const root = { publicKey: alice.publicKey, sign: async (message: Uint8Array) => alice.sign(message) }
const BOB = { jwk: bob.jwk, label: 'bob', roles: ['policy'], nbf: NOW_S, exp: NOW_S + 1 } as const
const WEBAUTHN = { rpId: 'auth.example', credentialId: 'AQIDBA' }

const manifestOf = (key: ManifestContent['keys'][number]) =>
  signOperatorManifest(root, {
    operatorId: OPERATOR,
    issuer: ISSUER,
    nowS: NOW_S,
    seq: 1,
    threshold: 1,
    rootKeys: [{ jwk: alice.jwk, label: 'alice' }],
    keys: [key],
  })

const chainOf = (manifest: string) => ({
  issuer: ISSUER,
  domain: 'acme.com',
  operatorId: OPERATOR,
  manifests: [manifest],
})

/** Reads a manifest with the older readers. Returns `accepted`, or what their refusal says. */
const READER = `
import { manifestDemand, parseOperatorManifest } from './clients/core/src/identity/parse-operator-manifest.ts'
import { verifyManifestChain } from './clients/core/src/identity/verify-manifest-chain.ts'
const { manifest, rules, chain, founder } = JSON.parse(process.argv[1])
const parsed = parseOperatorManifest(manifest, rules)
const verdict = verifyManifestChain({ ...chain, foundingPublicKey: Buffer.from(founder, 'base64') })
console.log(JSON.stringify([parsed.ok ? 'accepted' : manifestDemand(parsed, rules), verdict.ok ? 'accepted' : verdict.demand]))
`

let folder: string

async function readByOlder(manifest: string): Promise<readonly string[]> {
  const rules = { operatorId: OPERATOR, issuer: ISSUER }
  const given = { manifest, rules, chain: chainOf(manifest), founder: Buffer.from(alice.publicKey).toString('base64') }
  const args = ['--input-type=module', '--eval', READER, JSON.stringify(given)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
  return JSON.parse(stdout)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-older-readers-'))
  await promisify(execFile)('tar', ['-xzf', ARCHIVE, '-C', folder])
  await mkdir(join(folder, 'node_modules'))
  await symlink(join(ROOT, 'node_modules/@noble'), join(folder, 'node_modules/@noble'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the readers of the version before passkeys', () => {
  it('accept a manifest without the members', async () => {
    expect(await readByOlder(await manifestOf(BOB))).toEqual(['accepted', 'accepted'])
  })

  it.each([
    ['a passkey', { ...BOB, webauthn: WEBAUTHN }, 'keys[0]."webauthn" of the manifest is not a member of a manifest'],
    ['a person', { ...BOB, person: 'Bob' }, 'keys[0]."person" of the manifest is not a member of a manifest'],
    ['the role people', { ...BOB, roles: ['people'] as const }, 'keys[0].roles of the manifest must name at least one'],
    ['the role approvals', { ...BOB, roles: ['approvals'] as const }, 'keys[0].roles of the manifest must name at'],
  ])('refuse a manifest with %s, which the readers of this version accept', async (_name, key, said) => {
    const manifest = await manifestOf(key)
    for (const demand of await readByOlder(manifest)) expect(demand).toContain(said)
    expect(verifyManifestChain({ ...chainOf(manifest), foundingPublicKey: alice.publicKey }).ok).toBe(true)
  })
})
