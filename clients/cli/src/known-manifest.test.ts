import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseOperatorManifest } from '@auth4agent/core/identity/parse-operator-manifest'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { SeedSigner } from '@auth4agent/sdk'
import {
  generatePrivateKey,
  loadSigner,
  type OperatorConfig,
  readOperatorConfig,
  updateOperatorConfig,
} from '@auth4agent/sdk/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../test/support/cli.ts'
import { signOperatorManifest } from '../../sdk/src/sign-operator-manifest.ts'
import { manifestIn } from './manifest-in.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const SERVER = 'https://auth.example'
const stranger = generatePrivateKey().signer

let home: string
let folder: string
/** The root key with which the operator registered. */
let first: SeedSigner
/** The manifest that the server shows, and its number. */
let shown: { text: string; seq: number }
/** The bodies that the server has accepted. */
let accepted: string[]

const fetch = async (_input: string | URL | Request, init?: RequestInit): Promise<Response> => {
  if (init?.method === 'PUT' && typeof init.body === 'string') {
    const { body } = init
    accepted.push(body)
    shown = { text: manifestIn(body) ?? '', seq: shown.seq + 1 }
  }
  const root_keys = [{ kid: signerKid(first), label: 'root' }]
  return Response.json({ id: ID, seq: shown.seq, manifest: shown.text, threshold: 1, root_keys, keys: [] })
}
const tool = (line: string) =>
  runCli(
    line.split(' ').map((word) => word.replace('~', home)),
    { home, fetch },
  )
const config = async (): Promise<OperatorConfig> => {
  const found = await readOperatorConfig(folder)
  if (found === undefined) throw new Error('There is no operator.json')
  return found
}
/** Runs a command, which must succeed. */
const ok = async (line: string) => expect(await tool(line)).toMatchObject({ code: 0, stderr: '' })
const rootJwk = (signer: SeedSigner, index: number) => {
  const jwk = signerJwk(signer)
  if (jwk.kty !== 'OKP') throw new Error('A root key is of Ed25519')
  return { jwk, label: `root ${index}` }
}
/** Lets the server show a manifest that it has made with a key. */
const forge = async (signer: SeedSigner, seq: number, roots: readonly SeedSigner[]) => {
  const content = { operatorId: ID, issuer: SERVER, nowS: 1_800_000_000, seq, threshold: 1, keys: [] }
  shown = { text: await signOperatorManifest(signer, { ...content, rootKeys: roots.map(rootJwk) }), seq }
}
const labels = () => {
  const parsed = parseOperatorManifest(shown.text, { operatorId: ID, issuer: SERVER })
  if (!parsed.ok) throw new Error('The manifest is not valid')
  return [...parsed.manifest.rootKeys, ...parsed.manifest.keys].map(({ label }) => label)
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'a4a-known-'))
  folder = join(home, '.auth4agents')
  await tool(`init --operator --domain acme.example --server ${SERVER}`)
  await updateOperatorConfig(folder, { id: ID })
  first = await loadSigner(folder, await config())
  ;[shown, accepted] = [{ text: '', seq: 0 }, []]
  await ok('operator-key rotate-root --label next')
  await ok('operator-key rotate-root --finish')
  await ok('operator-key request --label bob --role audit.read --output ~/bob.request')
})
afterEach(() => rm(home, { recursive: true }))

it('rotate-root names its second step with the folder of this run', async () => {
  const { code, stdout } = await tool('operator-key rotate-root --label third --config ~/.auth4agents')
  expect(code).toBe(0)
  const next = `auth4agent operator-key rotate-root --finish --config ${folder}`
  expect(stdout).toContain(`after propagation run:\n${next}\n`)
})

describe('after a change of the root key', () => {
  it('the folder adds and removes keys with the new root key', async () => {
    await ok('operator-key add --request ~/bob.request')
    expect(labels()).toEqual(['next', 'bob'])
    await ok('operator-key remove bob')
    expect(labels()).toEqual(['next'])
    expect((await config()).known_manifest?.seq).toBe(4)
  })

  it.each([
    ['the retired root key', () => forge(first, 3, [first]), 'UNTRUSTED_MANIFEST'],
    ['a stranger', () => forge(stranger, 3, [stranger]), 'UNTRUSTED_MANIFEST'],
    ['the retired root key with the known number', () => forge(first, 2, [first]), 'UNEXPECTED_ANSWER'],
    ['a stranger with the known number', () => forge(stranger, 2, [stranger]), 'UNEXPECTED_ANSWER'],
    ['the retired root key with an older number', () => forge(first, 1, [first]), 'UNEXPECTED_ANSWER'],
  ])('the folder refuses a forged manifest of %s, and signs nothing', async (_name, lie, reason) => {
    await lie()
    const sent = accepted.length
    for (const line of ['operator-key add --request ~/bob.request', 'operator-key remove bob --prepare ~/x.json'])
      expect(await tool(line)).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) })
    expect(accepted).toHaveLength(sent)
    expect((await config()).known_manifest?.seq).toBe(2)
  })
})

describe('another holder of a root key', () => {
  it('trusts again the manifest by which a root key removed itself', async () => {
    const { signer: alice } = generatePrivateKey()
    const own = await loadSigner(folder, await config())
    await forge(own, 3, [alice, own])
    await ok('operator-key list')
    await forge(alice, 4, [own])
    await ok('operator-key list')
    await ok('operator-key add --request ~/bob.request')
    expect(labels()).toEqual(['root 0', 'bob'])
  })

  it('who has stored no digest yet names the signer with --trust once', async () => {
    const { known_manifest: known } = await config()
    if (known === undefined) throw new Error('The folder knows no manifest')
    await forge(stranger, 2, [await loadSigner(folder, await config())])
    await updateOperatorConfig(folder, { known_manifest: { seq: 2, root_keys: known.root_keys } })
    expect(await tool('operator-key add --request ~/bob.request')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNTRUSTED_MANIFEST'),
    })
    await ok(`operator-key add --request ~/bob.request --trust=${signerKid(stranger)}`)
    await ok('operator-key remove bob')
  })
})
