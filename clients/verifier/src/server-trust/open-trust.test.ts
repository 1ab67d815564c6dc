import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { createVerifier } from '@auth4agent/verifier'
import { expect, it, onTestFinished } from 'vitest'
import { accessToken } from '../../../../test/support/access-tokens.ts'

const AUDIENCE = 'https://api.cargo.example'

it('a token of an issuer that nobody describes is refused with a reason of one issuer', async () => {
  const { publicKey } = generateKeyPair()
  const verifier = createVerifier({
    issuer: 'https://beta.example',
    audience: AUDIENCE,
    operators: 'any',
    revocations: {
      operatorId: 'c0000000-0000-8000-8000-000000000001',
      key: { publicKey, sign: async () => new Uint8Array(64) },
    },
    trust: 'server',
    fetch: async () => new Response('{}', { status: 503 }),
    onProblem: () => undefined,
  })
  onTestFinished(() => verifier.close())
  const iat = Math.floor(Date.now() / 1_000)
  const times = { iat, nbf: iat, exp: iat + 600 }
  const text = accessToken(generateKeyPair(), {}, { iss: 'https://nobody.example', aud: [AUDIENCE], ...times })
  const reason = 'ISSUER_REVOCATIONS_STALE'
  await expect(verifier.verify(text)).rejects.toMatchObject({ reason, isTemporary: true })
  expect(verifier.metrics().verifications).toMatchObject({ [reason]: 1 })
})
