import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { formatDid } from '@auth4agent/core/identity/did'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { DETAILS } from '../../support/grant-details.ts'
import { methods, restForm, shortName } from '../support/contract.ts'
import { objectionTo, rotation } from '../support/key-events.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { SeededAgent } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { callersOf } from './callers.ts'
import { authenticated, NOBODY, validRequests } from './valid-requests.ts'

/** The jti of every assertion in this file. `useUp` marks this jti as used. */
const USED_JTI = 'used-up'

/**
 * Requests for calls that change something without an assertion, or that do not always need the database. Each of
 * these requests needs the database and changes nothing. That matters because a server may still execute a call after
 * its caller has stopped waiting.
 */
const HARMLESS: Readonly<Record<string, (world: World) => JsonObject>> = {
  'OperatorRegistryService.RegisterOperator': ({ operators: { acme } }) => ({
    domain: acme.domain,
    root_public_key: encodeBase64(acme.pair.publicKey),
  }),
  'AttestationService.CreateAttestationNonce': (world) => ({
    ...validRequests['AttestationService.CreateAttestationNonce']?.(world),
    attestor: 'tokens',
  }),
  'AttestationService.Attest': ({ agents: { ofBravo } }) => ({ did: ofBravo.did, attestation: {} }),
  'AgentKeyService.AppendKeyEvent': ({ agents: { ofBravo } }) => ({
    did: ofBravo.did,
    event: rotation(ofBravo, undefined, { signer: generateKeyPair() }),
  }),
  'AgentKeyService.ObjectToRecovery': ({ agents: { ofBravo } }) => ({
    did: ofBravo.did,
    objection: objectionTo(ofBravo, ofBravo.end.head),
  }),
  'AuthnService.CreateChallenge': () => ({ did: formatDid('nobody-operator.com', NOBODY.replaceAll('-', '')) }),
  'AuthnService.IssueToken': ({ agents: { ofBravo }, challenge }) => ({ ...challenge(ofBravo), signature: '' }),
  'DelegationService.IssueGrant': ({ agents: { ofBravo }, challenge }) => ({
    ...challenge(ofBravo),
    authorization_details: DETAILS,
    signature: '',
  }),
  'StatusListService.GetStatusList': () => ({ id: NOBODY }),
  'OAuthService.Token': ({ agents: { ofBravo } }) => ({ grant_type: 'client_credentials', ...forged(ofBravo) }),
  'OAuthService.Introspect': ({ agents: { ofBravo } }) => ({ token: 'x', ...forged(ofBravo) }),
  'OAuthService.Revoke': ({ agents: { ofBravo } }) => ({ token: 'x', ...forged(ofBravo) }),
}

/** Returns an authentication whose signature another key has made. */
const forged = ({ did }: SeededAgent) => authenticated({ did, pair: generateKeyPair() })

const CALLERS = {
  anyone: undefined,
  'anyone-or-operator': 'acme',
  'anyone-or-operator-or-admin': 'acme',
  operator: 'acme',
  'operator-or-admin': 'acme',
  admin: 'admin',
} as const

/** Marks the assertions of `faultCases` as used. */
export async function useUp({ db, operators }: World): Promise<void> {
  const keepUntil = new Date(Date.now() + 600_000)
  const issuers = ['admin', operators.acme.id]
  await db.prisma.usedAssertion.createMany({ data: issuers.map((issuer) => ({ issuer, jti: USED_JTI, keepUntil })) })
}

/** Returns a case for every RPC: a good request is refused with this reason while a dependency is down. */
export function faultCases(reason: ReasonCode): RefusalCase[] {
  return methods.map((method) => ({
    name: 'a good request',
    method,
    reason,
    caller: CALLERS[callersOf(method)],
    edits: () => ({ claims: { jti: USED_JTI } }),
    request: (world) => (HARMLESS[shortName(method)] ?? validRequests[shortName(method)])?.(world) ?? {},
  }))
}

/**
 * Cases for every RPC after its caller has called too often. The server would refuse these requests in any case, so
 * they change nothing.
 */
export const rateCases: readonly RefusalCase[] = methods.map((method) => ({
  name: 'too many calls',
  method,
  reason: 'RATE_LIMITED',
  request: () => Object.fromEntries(restForm(method).pathFields.map((name) => [name, NOBODY])),
}))
