import { generateKeyPair, importSigningKey, type KeyPair } from '@auth4agent/core/keys/ed25519'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { describe, expect, it } from 'vitest'
import type { SignAgain } from '../platform/crypto/token-key.ts'
import { recognizeOwn } from './recognize-own.ts'

const TEXT = Buffer.from('header.claims')
const KID = 'a-kid'
const pair = generateKeyPair()
const signature = pair.privateKey.sign(TEXT)
const never = () => false

function publicKeyOf({ publicKey }: KeyPair): VerificationKey {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
  const verifier = importTokenVerifier('EdDSA', jwk)
  if (verifier === undefined) throw new Error('it is a key')
  return { kid: KID, alg: 'EdDSA', state: 'active', ...verifier }
}

/** How a key verifies that is found where `open` gives the private half, or gives none. */
async function verifierOf(open: SignAgain | undefined, key: VerificationKey = publicKeyOf(pair)) {
  const find = async (kid: string) => (kid === KID ? key : undefined)
  const found = await recognizeOwn(
    { find, findNow: find },
    { signAgain: (kid) => (kid === KID ? open : undefined) },
  ).find(KID)
  if (found === undefined) throw new Error('it is found')
  return found.verify
}

describe('a signature of a key that is open here', () => {
  it('is known without being verified', async () => {
    const verify = await verifierOf(pair.privateKey.sign, { ...publicKeyOf(pair), verify: never })
    expect(verify(TEXT, signature)).toBe(true)
  })

  it.each<[string, Uint8Array]>([
    ['of another text', pair.privateKey.sign(Buffer.from('header.other'))],
    ['of another key', generateKeyPair().privateKey.sign(TEXT)],
    ['with its last bit changed', signature.with(63, (signature[63] ?? 0) ^ 0x80)],
    ['with its first bit changed', signature.with(0, (signature[0] ?? 0) ^ 1)],
    ['cut short', signature.subarray(0, 63)],
    ['with a byte behind', Buffer.concat([signature, Buffer.alloc(1)])],
    ['of nothing', new Uint8Array()],
    ['of zeros', new Uint8Array(64)],
  ])('is none that is %s', async (_name, other) => {
    expect((await verifierOf(pair.privateKey.sign))(TEXT, other)).toBe(false)
  })

  it('is verified where another signer made another, as a token with a random nonce does', async () => {
    const verify = await verifierOf(() => generateKeyPair().privateKey.sign(TEXT))
    expect([verify(TEXT, signature), verify(Buffer.from('header.other'), signature)]).toEqual([true, false])
  })

  it('leaves nothing of itself in memory', async () => {
    const made: Uint8Array[] = []
    const verify = await verifierOf((text) => {
      made.push(pair.privateKey.sign(text))
      return made.at(-1) ?? signature
    })
    expect(verify(Buffer.from('a text of a stranger'), signature)).toBe(false)
    expect(made).toEqual([new Uint8Array(64)])
  })
})

it('verifies with keys that are not open here', async () => {
  const verify = await verifierOf(undefined)
  expect([verify(TEXT, signature), verify(Buffer.from('header.other'), signature)]).toEqual([true, false])
})

it('asks anew each time whether a key is open', async () => {
  let open: SignAgain | undefined = importSigningKey(pair.seed)?.sign
  const key = { ...publicKeyOf(pair), verify: never }
  const find = async () => key
  const found = await recognizeOwn({ find, findNow: find }, { signAgain: () => open }).findNow(KID)
  expect(found?.verify(TEXT, signature)).toBe(true)
  open = undefined
  expect(found?.verify(TEXT, signature)).toBe(false)
})

it('finds no key where there is none, and gives the same function for the same key', async () => {
  const key = publicKeyOf(pair)
  const find = async (kid: string) => (kid === KID ? { ...key } : undefined)
  const own = recognizeOwn({ find, findNow: find }, { signAgain: () => undefined })
  expect(await own.find('another')).toBeUndefined()
  expect(await own.findNow('another')).toBeUndefined()
  expect((await own.find(KID))?.verify).toBe((await own.findNow(KID))?.verify)
})
