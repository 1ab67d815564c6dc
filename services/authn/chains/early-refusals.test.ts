import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { expect, it } from 'vitest'
import { keysOf } from '../../../test/support/access-tokens.ts'
import {
  CHAIN_ISSUER,
  chainOf,
  countingKeys,
  holderKey,
  ISSUED,
  OPERATOR,
  READ,
} from '../../../test/support/grant-chains.ts'
import { NO_OWNERS } from '../../../test/support/no-foreign.ts'
import type { DelegationDemands, RequestProof, VerifyDemands } from '../domain/verify-request.ts'
import { verifyAuthority } from './verify-authority.ts'

const [AUDIENCE = '', SCOPE = ''] = READ.split('#')
const NOW_S = ISSUED + 600
const CHAIN = chainOf(2)
const ANY_RESULT = { types: [], attestors: [], level: 'bearer', maxAgeS: undefined } as const
const SENT = { method: 'POST', url: `${AUDIENCE}/orders` }

/** How a test changes the demands of a service, the proof of the request, or the clock. */
interface Change extends Partial<DelegationDemands>, Partial<VerifyDemands['wanted']> {
  readonly proof?: Partial<Parameters<typeof signDpopProof>[1]> | 'none'
  readonly by?: number
  readonly nowS?: number
  readonly isInspection?: boolean
}

async function proofOf({ proof = {}, by = 2 }: Change): Promise<RequestProof | undefined> {
  if (proof === 'none') return undefined
  const { publicKey, signNow } = holderKey(by)
  const signer = { publicKey, sign: async (message: Uint8Array) => signNow(message) }
  return { ...SENT, text: await signDpopProof(signer, { ...SENT, nowS: NOW_S, accessToken: CHAIN, ...proof }) }
}

/**
 * Verifies a new chain of three grants, and tells how many signatures of the issuer were checked: three of them all.
 */
async function verifyNew(change: Change) {
  const keys = countingKeys()
  const chains = createGenuineChains({ issuer: CHAIN_ISSUER, keys })
  const deps = {
    now: () => (change.nowS ?? NOW_S) * 1000,
    settings: { skewS: 10 },
    genuineDelegated: createGenuineDelegated(chains, { issuer: CHAIN_ISSUER, keys: keysOf() }),
    tokenStatus: { checkAll: async () => undefined },
    replays: { use: () => true, size: 0 },
    issuer: CHAIN_ISSUER,
    operators: NO_OWNERS,
  }
  const { audience = [AUDIENCE], scope = [SCOPE], operators = [], attestation, isInspection = false } = change
  const { args, actors = [], isProofChecked = false } = change
  const verification = await verifyAuthority(deps, CHAIN, {
    wanted: { audience, scope, operators, attestation },
    sent: await proofOf(change),
    delegation: { args, actors, isProofChecked },
    isInspection,
  })
  return { ...verification, checks: keys.checks }
}

it.each<[string, Change, object]>([
  ['a scope that no grant has', { scope: ['other'] }, { reason: 'CAPABILITY_MISSING', hop: 0 }],
  ['another operator', { operators: ['other.test'] }, { reason: 'OPERATOR_NOT_TRUSTED', hop: 0 }],
  ['agents of another domain', { actors: ['other.test'] }, { reason: 'ACTOR_NOT_TRUSTED', hop: 0 }],
  ['a result of attestation', { attestation: ANY_RESULT }, { reason: 'ATTESTATION_REQUIRED', hop: undefined }],
  ['a proof that is missing', { proof: 'none' }, { reason: 'PROOF_REQUIRED', hop: 2 }],
  ['a proof for the URL', { proof: { url: `${AUDIENCE}/other` } }, { reason: 'PROOF_INVALID', hop: 2 }],
  ['a proof for the method', { proof: { method: 'GET' } }, { reason: 'PROOF_INVALID', hop: 2 }],
  ['a proof for the chain', { proof: { accessToken: chainOf(1) } }, { reason: 'PROOF_INVALID', hop: 2 }],
  ['a new proof', { proof: { nowS: NOW_S - 71 } }, { reason: 'PROOF_INVALID', hop: 2 }],
  ['a root that has not expired', { nowS: ISSUED + 3610 }, { reason: 'GRANT_EXPIRED', hop: 0 }],
  ['agents of another domain, in an inspection', { actors: ['x.test'], isInspection: true }, { hop: 0 }],
])('verifyAuthority checks one signature of a new chain if the service demands %s', async (_, change, refusal) => {
  expect(await verifyNew(change)).toMatchObject({ valid: false, revoked: false, ...refusal, checks: 1 })
})

it.each<[string, Change, object]>([
  ['whose proof is by a middle holder', { by: 1 }, { valid: false, reason: 'PROOF_INVALID', hop: 2 }],
  ['that is valid', { operators: [OPERATOR], actors: ['acme.test'] }, { valid: true }],
  ['whose proof the service has checked', { isProofChecked: true, proof: 'none' }, { valid: true }],
  ['that is inspected', { isInspection: true, proof: 'none', scope: [], audience: [] }, { valid: true }],
])('verifyAuthority checks all signatures of a new chain %s', async (_, change, answer) => {
  expect(await verifyNew(change)).toMatchObject({ ...answer, checks: 3 })
})
