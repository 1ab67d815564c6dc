import { createPublicKey } from 'node:crypto'
import { signClientAssertion } from '@auth4agent/core/identity/client-assertion'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { proveKey } from '../../../services/authn/domain/agent-proof.ts'
import { parseClientAssertion } from '../../../services/authn/domain/parse-client-assertion.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { AGENT_KEY } from '../../vectors/protocol/make/parties.ts'
import { isRefused, type Refused, readVectors, type Vector } from '../support/read-vectors.ts'

interface Accepted {
  readonly did: string
  readonly scope?: string
  readonly audience?: readonly string[]
}

type Case = Vector<{ client_id?: string; client_assertion: string }, Accepted | Refused>

const file = readVectors('client-assertions.json') as {
  issuer: string
  now: number
  clock_skew: number
  agent: { did: string; public_key: string }
  good: { header: object; claims: { jti: string } }
  cases: Case[]
}

const publicKey = Buffer.from(file.agent.public_key, 'base64')
const subject = { agent: { publicKey, addedKeys: [] } }

/** Returns what the server reads in a client assertion, in the form in which a vector expects it. */
function judge({ client_id = '', client_assertion }: Case): Accepted | Refused {
  try {
    const rules = { issuer: file.issuer, tokenEndpoint: undefined, nowS: file.now, skewS: file.clock_skew }
    const parsed = parseClientAssertion(client_assertion, client_id, rules)
    proveKey(subject, parsed.proof, file.now)
    const { did, covered } = parsed.proof
    return {
      did,
      ...(covered.scope !== undefined && { scope: covered.scope }),
      ...(covered.aud !== undefined && { audience: covered.aud }),
    }
  } catch (error) {
    if (error instanceof ApiError) return { refused: error.reason }
    throw error
  }
}

describe('client-assertions.json', () => {
  it.each(file.cases)('the server reads the client assertion: $name', (vector) => {
    expect(judge(vector)).toEqual(vector.expect)
  })

  it.each(file.cases.filter(({ expect: expected }) => !isRefused(expected)))(
    'jose accepts the client assertion: $name',
    async ({ client_assertion }) => {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') }
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      await jwtVerify(client_assertion, key, {
        issuer: file.agent.did,
        subject: file.agent.did,
        audience: file.issuer,
        currentDate: new Date(file.now * 1_000),
        clockTolerance: file.clock_skew,
        requiredClaims: ['exp', 'jti'],
      })
    },
  )

  it('signClientAssertion writes the good assertion, except for its jti', async () => {
    const signer = { publicKey, sign: async (message: Uint8Array) => AGENT_KEY.privateKey.sign(message) }
    const text = await signClientAssertion(signer, { did: file.agent.did, issuer: file.issuer, nowS: file.now })
    expect(decodeProtectedHeader(text)).toEqual(file.good.header)
    expect({ ...decodeJwt(text), jti: file.good.claims.jti }).toEqual(file.good.claims)
  })
})
