import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { takeInHand } from '../../../test/support/softhsm.ts'
import { startPeer } from '../../../test/support/token-peer.ts'
import { createTokenProvider, rowOf, type TokenProvider } from '../../../test/support/token-provider.ts'
import { tokenKind } from '../domain/key-kinds.ts'
import type { KeyRow, NewSigningKey } from '../key-provider.ts'
import { CKS_RW_USER_FUNCTIONS } from './constants.ts'
import { openPkcs11Provider } from './pkcs11-provider.ts'

const INPUT = Buffer.from('a signing input')
const ABSENT = { provider: 'pkcs11', token: 'auth4agent', id: '0'.repeat(32) }
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const holds = ({ alg, publicJwk }: KeyRow, signature: Uint8Array) =>
  importTokenVerifier(alg, publicJwk)?.verify(INPUT, signature)

let own: TokenProvider

beforeEach(async () => {
  own = await createTokenProvider()
})
afterEach(() => own[Symbol.asyncDispose]())

describe('two processes with one hardware token', () => {
  it('see keys that the other process generates and destroys', async () => {
    await using peer = await startPeer(own.token)
    const theirs = rowOf((await peer.ask({ ask: 'generate', alg: 'EdDSA' })) as NewSigningKey)
    const ours = rowOf(await own.provider.generate(tokenKind('ES256')))
    const key = await own.provider.open(theirs)
    expect(holds(theirs, await key.sign(INPUT))).toBe(true)
    const signature = await peer.ask({ ask: 'sign', row: ours, text: String(INPUT) })
    expect(holds(ours, Buffer.from(String(signature), 'base64url'))).toBe(true)
    await peer.ask({ ask: 'destroy', row: theirs })
    expect(await refusalOf(key.sign(INPUT))).toBe('UNAVAILABLE')
    await own.provider.destroy(ours)
    await expect(peer.ask({ ask: 'sign', row: ours, text: 'text' })).rejects.toThrow(/has no private key/)
  })

  it('destroy a key that the other process has generated and that they have not used before', async () => {
    await using peer = await startPeer(own.token)
    const theirs = rowOf((await peer.ask({ ask: 'generate', alg: 'EdDSA' })) as NewSigningKey)
    await own.provider.generate(tokenKind('EdDSA'))
    await own.provider.destroy(theirs)
    await expect(peer.ask({ ask: 'sign', row: theirs, text: 'text' })).rejects.toThrow(/has no private key/)
  })

  it('see every key that the two processes generate at the same time', async () => {
    await using peer = await startPeer(own.token)
    const rows: KeyRow[] = []
    for (let round = 0; round < 4; round += 1) {
      const made = [own.provider.generate(tokenKind('EdDSA')), peer.ask({ ask: 'generate', alg: 'EdDSA' })]
      rows.push(...(await Promise.all(made)).map((key) => rowOf(key as NewSigningKey)))
    }
    const ours = await Promise.all(rows.map(async (row) => (await own.provider.open(row)).sign(INPUT)))
    expect(rows.map((row, n) => holds(row, ours[n] ?? Buffer.alloc(0)))).toEqual(rows.map(() => true))
    for (const row of rows) expect(await peer.ask({ ask: 'sign', row, text: 'text' })).toHaveLength(86)
    for (const row of rows) await peer.ask({ ask: 'destroy', row })
    expect((await takeInHand(own.token)).find([])).toEqual([])
  })
})

describe('two providers of one hardware token in one process', () => {
  it('continue to work when the other is closed', async () => {
    const another = await openPkcs11Provider({ ...own.token, log: silent })
    const theirs = rowOf(await another.generate(tokenKind('ES256')))
    const key = await own.provider.open(theirs)
    await expect(another.open({ ...theirs, externalRef: ABSENT })).rejects.toThrow(/has no private key/)
    await another.close()
    expect(holds(theirs, await key.sign(INPUT))).toBe(true)
    expect(own.lines).toEqual([])
  })
})

it('a provider does not use handles from before a restart of the module', async () => {
  const rows = await Promise.all(
    TOKEN_ALGORITHMS.map(async (alg) => rowOf(await own.provider.generate(tokenKind(alg)))),
  )
  const keys = await Promise.all(rows.map((row) => own.provider.open(row)))
  const [absent] = rows.map((row) => ({ ...row, externalRef: ABSENT }))
  await expect(absent && own.provider.open(absent)).rejects.toThrow(/has no private key/)
  const { find } = await takeInHand(own.token)
  expect(find([])).toHaveLength(2 * rows.length)
  const signatures = await Promise.all(keys.map((key) => key.sign(INPUT)))
  expect(rows.map((row, n) => holds(row, signatures[n] ?? INPUT))).toEqual(rows.map(() => true))
  expect(own.lines).toEqual([])
})

it('a provider restarts the module once for a key that it has never seen', async () => {
  const row = { ...rowOf(await own.provider.generate(tokenKind('EdDSA'))), externalRef: ABSENT }
  const before = await takeInHand(own.token)
  await expect(own.provider.open(row)).rejects.toThrow(/has no private key/)
  expect(() => before.calls.C_GetSessionInfo(before.session)).toThrow('CKR_SESSION_HANDLE_INVALID')
  const { calls, session, find } = await takeInHand(own.token)
  await expect(own.provider.open(row)).rejects.toThrow(/has no private key/)
  expect(await own.provider.destroy(row)).toBe(true)
  const seen = rowOf(await own.provider.generate(tokenKind('EdDSA')))
  await own.provider.open(seen)
  for (const half of find([])) calls.C_DestroyObject(session, half)
  await expect(own.provider.open(seen)).rejects.toThrow(/has no private key/)
  expect(calls.C_GetSessionInfo(session).state).toBe(CKS_RW_USER_FUNCTIONS)
})
