import { compactVerify, importJWK } from 'jose'
import { expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { CALL_RULES, CALLER, MCP_ADDRESS } from '../../../../test/support/call-proofs.ts'
import { p256Key } from '../../../../test/support/key-events.ts'
import { checkCallProof } from '../../../verifier/src/check-call-proof.ts'
import { type ProvenCall, signCallProof } from './sign-call-proof.ts'

const SIGNER = { publicKey: CALLER.publicKey, sign: CALLER.sign }
const { leaf, args } = CALL_RULES
const CALL: ProvenCall = { leaf, capability: `${MCP_ADDRESS}#pay`, address: MCP_ADDRESS, args }
const MUST_BE_STRICT = 'args must be strict JSON, nested at most 15 deep, but the fault is '
const sign = (call: Partial<ProvenCall> = {}) => signCallProof(SIGNER, { ...CALL, ...call }, NOW_S + 0.9)

it('signCallProof signs a proof that checkCallProof and jose accept', async () => {
  const text = await sign()
  expect(checkCallProof(text, CALL_RULES)).toMatchObject({ ok: true, expiresAtS: NOW_S + 50 })
  const { payload, protectedHeader } = await compactVerify(text, await importJWK({ ...CALLER.jwk }, 'Ed25519'))
  expect(protectedHeader).toEqual({ alg: 'Ed25519', typ: 'aat-pop+jwt' })
  expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
    jti: expect.stringMatching(/^[\w-]{22}$/),
    iat: NOW_S,
    aat_id: leaf.jti,
    aat_hash: leaf.id,
    aat_tool: `${MCP_ADDRESS}#pay`,
    aat_aud: MCP_ADDRESS,
    hta: args,
  })
})

/** Arguments with this many levels of objects. */
const nested = (levels: number): object => (levels === 1 ? {} : { in: nested(levels - 1) })

it('signCallProof signs arguments of 15 levels, which checkCallProof accepts', async () => {
  const deep = { ...nested(15) }
  expect(checkCallProof(await sign({ args: deep }), { ...CALL_RULES, args: deep })).toMatchObject({ ok: true })
})

it.each([
  ['16 levels', { ...nested(16) }, 'depth'],
  ['a member __proto__', { to: JSON.parse('{"__proto__":1}') }, 'forbidden-member'],
])('signCallProof rejects for arguments with %s, which every verifier refuses', async (_name, refused, why) => {
  await expect(sign({ args: refused })).rejects.toThrow(new TypeError(MUST_BE_STRICT + why))
})

it('signCallProof uses a new jti each time', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const proof = checkCallProof(await sign(), CALL_RULES)
      return proof.ok && proof.id
    }),
  )
  expect(new Set(ids).size).toBe(20)
})

it('signCallProof rejects for arguments that JSON cannot carry, and for a key that is not Ed25519', async () => {
  await expect(sign({ args: { amount: 5n } })).rejects.toThrow(TypeError)
  const other = { alg: 'ES256', publicKey: new Uint8Array(65), sign: p256Key('other').sign } as const
  await expect(signCallProof(other, CALL, NOW_S)).rejects.toThrow('Ed25519')
  const short = { ...SIGNER, publicKey: CALLER.publicKey.subarray(1) }
  await expect(signCallProof(short, CALL, NOW_S)).rejects.toThrow('32 bytes')
})
