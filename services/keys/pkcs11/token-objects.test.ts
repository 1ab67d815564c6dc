import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeInHand } from '../../../test/support/softhsm.ts'
import { createTokenProvider, type TokenProvider } from '../../../test/support/token-provider.ts'
import { tokenKind } from '../domain/key-kinds.ts'
import { CKA, CKM, CKO } from './constants.ts'
import { checkPrivateHalf, generatePair, KeyObjectError, labelPair, signWith } from './token-objects.ts'

const PRIVATE_KEYS = [{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }]
const CKR_SENSITIVE = 'CKR_ATTRIBUTE_SENSITIVE'

let own: TokenProvider

beforeEach(async () => {
  own = await createTokenProvider()
})
afterEach(() => own[Symbol.asyncDispose]())

describe('a private key in the hardware token', () => {
  it.each<[TokenAlgorithm, number]>([
    ['EdDSA', 0x11],
    ['ES256', 0x11],
    ['RS256', 0x123],
  ])('for %s cannot be read, wrapped or made extractable', async (alg, secret) => {
    await own.provider.generate(tokenKind(alg))
    const { calls, session, find } = await takeInHand(own.token)
    const [key = Buffer.alloc(0)] = find(PRIVATE_KEYS)
    expect(() => calls.C_GetAttributeValue(session, key, [{ type: secret }])).toThrow(CKR_SENSITIVE)
    const wrapping = calls.C_GenerateKey(session, { mechanism: 0x1080 }, [
      { type: 0x161, value: 32 },
      { type: CKA.WRAP, value: true },
    ])
    const wrap = () => calls.C_WrapKey(session, { mechanism: 0x210a }, wrapping, key, Buffer.alloc(4096))
    expect(wrap).toThrow('CKR_KEY_UNEXTRACTABLE')
    for (const [type, value] of [
      [CKA.EXTRACTABLE, true],
      [CKA.SENSITIVE, false],
    ] as const) {
      expect(() => calls.C_SetAttributeValue(session, key, [{ type, value }])).toThrow('CKR_ATTRIBUTE_READ_ONLY')
    }
  })

  it('can only sign', async () => {
    await own.provider.generate(tokenKind('RS256'))
    const { calls, session, find } = await takeInHand(own.token)
    const [key = Buffer.alloc(0)] = find(PRIVATE_KEYS)
    const decrypt = () => calls.C_DecryptInit(session, { mechanism: 1 }, key)
    expect(decrypt).toThrow('CKR_KEY_FUNCTION_NOT_PERMITTED')
    const uses = [CKA.SIGN, CKA.SIGN_RECOVER, CKA.DECRYPT, CKA.UNWRAP, CKA.DERIVE]
    const values = calls.C_GetAttributeValue(
      session,
      key,
      uses.map((type) => ({ type })),
    )
    expect(values.map(({ value }) => value[0])).toEqual([1, 0, 0, 0, 0])
  })

  it('is refused by checkPrivateHalf when it is extractable', async () => {
    const { calls, session } = await takeInHand(own.token)
    const parameters = { type: CKA.EC_PARAMS, value: Buffer.from('06032b6570', 'hex') }
    const loose = calls.C_GenerateKeyPair(
      session,
      { mechanism: CKM.EC_EDWARDS_KEY_PAIR_GEN },
      [parameters],
      [
        { type: CKA.SIGN, value: true },
        { type: CKA.EXTRACTABLE, value: true },
      ],
    )
    const check = () => checkPrivateHalf({ calls, handle: session, keys: new Map() }, loose.privateKey)
    expect(check).toThrow(KeyObjectError)
  })
})

it('signWith and labelPair wait while generatePair generates a key', async () => {
  await own.provider.generate(tokenKind('EdDSA'))
  const { calls, session, find } = await takeInHand(own.token)
  const [found = Buffer.alloc(0)] = find(PRIVATE_KEYS)
  const another = { calls, handle: (await takeInHand(own.token)).session, keys: new Map([['known', found]]) }
  const third = { calls, handle: (await takeInHand(own.token)).session, keys: new Map() }
  const order: string[] = []
  const making = generatePair({ calls, handle: session, keys: new Map() }, 'RS256', '00')
  const signing = signWith(another, 'known', 'EdDSA', Buffer.from('a signing input'))
  const labelling = labelPair(third, '00', 'kid')
  const all = { making, signing, labelling }
  await Promise.all(
    Object.entries(all).map(([name, promise]) => (promise as Promise<unknown>).then(() => order.push(name))),
  )
  expect(order[0]).toBe('making')
})
