import { createVerifier } from '@auth4agent/verifier'
import { expect, it } from 'vitest'
import { bindTerms } from '../../clients/sdk/src/terms.ts'
import { createJwksVerifier } from '../../clients/sdk/src/verify-by-jwks.ts'
import { parseRequestedTerms } from '../../services/authn/domain/token-request.ts'
import { newToken } from '../support/offline-verifier.ts'
import { testTokenKey } from '../support/token-keys.ts'

const ISSUER = 'http://localhost:8080'
const runtime = { wallMs: () => 0, monotonicMs: () => 0, random: () => 0, after: () => () => undefined }
const token = newToken(testTokenKey('EdDSA'))

const TEXTS = [
  'api.example',
  'localhost',
  '127.0.0.1',
  'https://api.example',
  'https://api.example/',
  'https://api.example:8443/orders?x=1',
  'http://localhost:8080',
  'spiffe://api.example/orders',
  'https://[::1]:8443/x',
  '',
  '*',
  'orders api',
  'API.example',
  'api.example:443',
  'api.example/orders',
  'urn:example:orders',
  'https://API.example',
  'HTTPS://api.example',
  'https://user@api.example',
  'https://api.example#orders',
  'https://api.example\n',
  ' https://api.example',
  'https://127.1',
  `https://api.example/${'x'.repeat(235)}`,
  `https://api.example/${'x'.repeat(236)}`,
]

/** Tells whether `use` accepts an audience. Throws any error that is not about the audience, which fails the test. */
function takes(use: () => unknown): boolean {
  try {
    use()
    return true
  } catch (error) {
    expect(String(error)).toMatch(/audience/i)
    return false
  }
}

const isRefused = (error: unknown) => error instanceof TypeError && /audience/.test(error.message)

it.each(TEXTS)('the server, the SDK and the verifier agree whether the audience %j is valid', async (audience) => {
  const bounds = { min: 30, max: 3_600, default: 900 }
  const options = { issuer: ISSUER, operators: 'any', revocations: 'none', onProblem: () => undefined } as const
  const verifier = createVerifier({ ...options, audience: 'api.example' })
  const server = {
    issuer: ISSUER,
    transport: async () => ({ keys: [] }),
    nowMs: () => 0,
    discover: () => Promise.reject(),
  }
  const verifyByJwks = createJwksVerifier(server, runtime)
  const byServer = takes(() => parseRequestedTerms({ audience: [audience] }, bounds))
  expect({
    token: takes(() => bindTerms({ audience }, ISSUER)),
    verifier: takes(() => createVerifier({ ...options, audience }).close()),
    call: !(await verifier.verify('x', { audience }).catch(isRefused)),
    jwks: (await verifyByJwks(token, { audience }).catch(isRefused)) !== true,
  }).toEqual({ token: byServer, verifier: byServer, call: byServer, jwks: byServer })
  verifier.close()
})
