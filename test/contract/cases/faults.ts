import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { formatDid } from '@auth4agent/core/identity/did'
import type { JsonObject } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { methods, restForm, shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { callersOf } from './callers.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

/** The jti of every assertion here. `useUp` marks it as used. */
const USED_JTI = 'used-up'

/**
 * Requests for calls that change something without an assertion, or that may not need the database. Each needs the
 * database and changes nothing, because a call may still be executed after its caller has stopped waiting.
 */
const HARMLESS: Readonly<Record<string, (world: World) => JsonObject>> = {
  'OperatorRegistryService.RegisterOperator': ({ operators: { acme } }) => ({
    domain: acme.domain,
    root_public_key: encodeBase64(acme.pair.publicKey),
  }),
  'AuthnService.CreateChallenge': () => ({ did: formatDid('nobody-operator.com', NOBODY.replaceAll('-', '')) }),
  'AuthnService.IssueToken': ({ agents: { ofBravo }, challenge }) => ({ ...challenge(ofBravo), signature: '' }),
}

const CALLERS = {
  anyone: undefined,
  'anyone-or-operator': 'acme',
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

/** Cases for every RPC while a dependency is down: a good request gets this reason. */
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
 * Cases for every RPC after its caller has called too often. These requests would be refused anyway, so none changes
 * anything.
 */
export const rateCases: readonly RefusalCase[] = methods.map((method) => ({
  name: 'too many calls',
  method,
  reason: 'RATE_LIMITED',
  request: () => Object.fromEntries(restForm(method).pathFields.map((name) => [name, NOBODY])),
}))
