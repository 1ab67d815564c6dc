import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { attestationMessage } from '@auth4agent/core/identity/attestation'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { EvidenceSource } from '@auth4agent/sdk'
import type { Json, MoreAnswers } from './issuer.ts'

/** The operator of the agents that attest. */
export const OPERATOR = '0f7e9f3c-62d1-8a55-9b60-5f3d2c1b0a99'
/** The path at which these agents enrol. */
export const ENROL_PATH = `/v1/operators/${OPERATOR}/agents`
/** For how long the results of {@link attestationAnswers} count, in milliseconds. */
export const RESULT_MS = 600_000

/** Good answers of a fake server about attestation. It has the attestors that the evidence names. */
export const attestationAnswers: MoreAnswers = {
  '/v1/attest/nonce': (url, body) => ({
    nonce: randomBytes(32).toString('base64url'),
    expires_at: new Date().toISOString(),
    challenge: body.attestor === undefined ? '' : Buffer.from('the challenge').toString('base64'),
    audience: `${url}/attest/${thumbprint(bytesOf(body.agent_public_key))}`,
  }),
  '/v1/attest': (_, body) => ({ results: resultsOf(body) }),
  [ENROL_PATH]: (_, body) => ({
    id: crypto.randomUUID(),
    did: didOf(bytesOf(body.agent_public_key)),
    status: 'active',
    rule: 'pods',
    allowed_scopes: ['read', 'write'],
    attestation_results: resultsOf(body),
  }),
}

/** An answer that demands attestation, and one that refuses evidence. */
export const required = { status: 403, body: { reason: 'ATTESTATION_REQUIRED', detail: 'Attest first' } }
export const refused = { status: 403, body: { reason: 'EVIDENCE_REFUSED', detail: 'The token must be of the issuer' } }

/** Returns a source of this text. */
export const textSource = (attestor = 'pods', text = attestor): EvidenceSource => ({
  attestor,
  evidence: async () => Buffer.from(text),
})

/** Returns the evidence of a request by attestor, as text, with whether the agent's key has signed it. */
export function evidenceOf({ attestation }: Json, publicKey: Uint8Array): Readonly<Record<string, [string, boolean]>> {
  const { nonce, evidence } = Object(attestation)
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
    format: 'jwk',
  })
  const all: [string, [string, boolean]][] = Array.from(evidence, (each) => {
    const { attestor, evidence: sent, signature } = Object(each)
    const bytes = bytesOf(sent)
    const isSigned = verify(null, attestationMessage(bytes, nonce), key, bytesOf(signature))
    return [attestor, [bytes.toString(), isSigned]]
  })
  return Object.fromEntries(all)
}

/** Returns the DID of a key under acme.example. */
export function didOf(publicKey: Uint8Array): string {
  return `did:agent:acme.example:${createHash('sha256').update(publicKey).digest('hex').slice(0, 32)}`
}

function resultsOf({ attestation }: Json): readonly Json[] {
  const now = Date.now()
  return Array.from(Object(attestation).evidence, (each) => ({
    attestor: Object(each).attestor,
    type: 'oidc',
    level: 'bound',
    claims: { namespace: 'orders' },
    verified_at: new Date(now).toISOString(),
    expires_at: new Date(now + RESULT_MS).toISOString(),
  }))
}

function bytesOf(base64: unknown): Buffer {
  return Buffer.from(String(base64), 'base64')
}
