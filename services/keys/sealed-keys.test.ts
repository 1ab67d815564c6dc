import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair, importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { describe, expect, it } from 'vitest'
import { wrapKey } from '../platform/crypto/key-wrap.ts'
import { generateTokenKey } from '../platform/crypto/token-key.ts'
import { tokenKind } from './domain/key-kinds.ts'
import type { KeyRow, NewSigningKey } from './key-provider.ts'
import { createKeyVault, type KeyVault, WrongKeyError } from './key-vault.ts'
import { createSealedKeys } from './sealed-keys.ts'

const KEK = Buffer.alloc(32, 7)
const MESSAGE = Buffer.from('header.payload')
const keys = createSealedKeys(createKeyVault(KEK))

/** Returns the row of a new key. */
function rowOf({ kid, purpose, alg, publicJwk, stored }: NewSigningKey, changed: Partial<KeyRow> = {}): KeyRow {
  const { wrappedKey = null, kekId = null } = stored
  const row = { kid, purpose, alg, publicJwk: { ...publicJwk }, externalRef: null } as const
  return { ...row, wrappedKey, kekId, ...changed }
}

/** Returns a vault that records the secrets it has opened. */
function watchedVault(): { vault: KeyVault; opened: Buffer[] } {
  const vault = createKeyVault(KEK)
  const opened: Buffer[] = []
  return {
    opened,
    vault: {
      ...vault,
      open(...row) {
        const secret = vault.open(...row)
        opened.push(secret)
        return secret
      },
    },
  }
}

describe('generate', () => {
  it.each(TOKEN_ALGORITHMS)(
    'generates a key for %s that opens from its row and signs for its public half',
    async (alg) => {
      const key = await keys.generate(tokenKind(alg))
      expect(key).toMatchObject({
        alg,
        kid: jwkThumbprint(key.publicJwk),
        stored: { kekId: createKeyVault(KEK).kekId },
      })
      const opened = await keys.open(rowOf(key))
      expect(opened.publicJwk).toEqual(key.publicJwk)
      const verifier = importTokenVerifier(alg, key.publicJwk)
      expect(verifier?.verify(MESSAGE, await opened.sign(MESSAGE))).toBe(true)
    },
  )

  it('generates a different key each time', async () => {
    expect((await keys.generate(tokenKind('EdDSA'))).kid).not.toBe((await keys.generate(tokenKind('EdDSA'))).kid)
  })
})

describe('seal', () => {
  it('seals an imported key and overwrites its secret', async () => {
    const { publicJwk, secret } = await generateTokenKey('ES256')
    const key = keys.seal(tokenKind('ES256'), secret)
    expect(key).toMatchObject({ kid: jwkThumbprint(publicJwk), publicJwk })
    expect(secret.every((byte) => byte === 0)).toBe(true)
    expect((await keys.open(rowOf(key))).publicJwk).toEqual(publicJwk)
  })

  it('refuses a key of another algorithm and overwrites its secret', async () => {
    const { secret } = await generateTokenKey('EdDSA')
    expect(() => keys.seal(tokenKind('ES256'), secret)).toThrow('The secret must be a private key for ES256')
    expect(secret.every((byte) => byte === 0)).toBe(true)
  })
})

describe('open', () => {
  it('opens an Ed25519 seed that version 1 has sealed', async () => {
    const { publicKey, seed } = generateKeyPair()
    const kid = thumbprint(publicKey)
    const wrappedKey = new Uint8Array(wrapKey(KEK, seed, { purpose: 'access_token', id: kid }))
    const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const
    const { kekId } = createKeyVault(KEK)
    const opened = await keys.open(rowOf({ ...tokenKind('EdDSA'), kid, publicJwk, stored: { wrappedKey, kekId } }))
    expect(opened.publicJwk).toEqual(publicJwk)
    const key = importPublicKey(publicKey)
    expect(key && verify(key, MESSAGE, await opened.sign(MESSAGE))).toBe(true)
  })

  it('overwrites the opened secret, even after a failure', async () => {
    const { vault, opened } = watchedVault()
    const row = rowOf(await keys.generate(tokenKind('EdDSA')))
    await createSealedKeys(vault).open(row)
    await expect(createSealedKeys(vault).open({ ...row, alg: 'RS256' })).rejects.toThrow()
    expect(opened).toEqual([Buffer.alloc(32), Buffer.alloc(32)])
  })

  it.each<[string, () => Uint8Array | Promise<Uint8Array>]>([
    ['another key of the same type', () => generateKeyPair().seed],
    ['a key of another type', async () => (await generateTokenKey('ES256')).secret],
    ['a text', () => Buffer.from('thirty-two bytes of no meaning.')],
    ['an empty secret', () => Buffer.alloc(0)],
  ])('refuses a row in which %s is sealed', async (_name, secretOf) => {
    const { kid } = await keys.generate(tokenKind('EdDSA'))
    const { wrapped, kekId } = createKeyVault(KEK).seal(await secretOf(), { purpose: 'access_token', id: kid })
    const row = rowOf(await keys.generate(tokenKind('EdDSA')), { kid, wrappedKey: wrapped, kekId })
    await expect(keys.open(row)).rejects.toThrow(`The sealed private half of signing key ${kid} does not match`)
  })

  it('refuses a row with an unknown algorithm', async () => {
    const row = rowOf(await keys.generate(tokenKind('EdDSA')), { alg: 'HS256' })
    await expect(keys.open(row)).rejects.toThrow('does not match its kid and alg')
  })

  it('refuses a row without a private half', async () => {
    const row = rowOf(await keys.generate(tokenKind('EdDSA')), { wrappedKey: null, kekId: null })
    await expect(keys.open(row)).rejects.toThrow(`The private half of signing key ${row.kid} is not in the database`)
  })

  it('refuses a secret that was copied from another row or is sealed under another KEK', async () => {
    const [one, other] = [await keys.generate(tokenKind('EdDSA')), await keys.generate(tokenKind('EdDSA'))]
    await expect(keys.open(rowOf(one, { wrappedKey: rowOf(other).wrappedKey }))).rejects.toThrow(WrongKeyError)
    const elsewhere = createSealedKeys(createKeyVault(Buffer.alloc(32, 8)))
    await expect(elsewhere.open(rowOf(one))).rejects.toThrow(WrongKeyError)
  })
})
