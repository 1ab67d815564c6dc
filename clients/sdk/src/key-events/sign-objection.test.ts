import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { expect, it } from 'vitest'
import { signObjection } from './sign-objection.ts'

it('signObjection signs the digest of the recovery with its own typ and the thumbprint as kid', async () => {
  const { publicKey, privateKey } = generateKeyPair()
  const signer = { publicKey, sign: async (message: Uint8Array) => privateKey.sign(message) }
  const text = await signObjection(signer, { did: 'did:agent:acme.example:x', event: 'digest', nowS: 1_800_000_000.7 })
  const jws = parseCompactJws(text, { maxBytes: 4096, algs: ['EdDSA'], typs: ['auth4agent-key-objection+jwt'] })
  expect(jws).toMatchObject({
    ok: true,
    header: { kid: thumbprint(publicKey) },
    payload: { did: 'did:agent:acme.example:x', event: 'digest', iat: 1_800_000_000 },
  })
})
