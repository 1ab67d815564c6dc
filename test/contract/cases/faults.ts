import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { formatDid } from '@auth4agent/core/identity/did'
import type { JsonObject } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { methods, restForm, shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { callersOf } from './callers.ts'
import { NOBODY, validRequests } from './valid-requests.ts'

/** The jti of every assertion here; `useUp` makes it a used one. */
const USED_JTI = 'used-up'

/**
 * Calls without an assertion that would change something, or that would not need the database, put so that they need it and
 * change nothing: a call whose caller has stopped waiting may still be carried out.
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

/** Uses the assertions of `faultCases` up. */
export async function useUp({ db, operators }: World): Promise<void> {
  const keepUntil = new Date(Date.now() + 600_000)
  const issuers = ['admin', operators.acme.id]
  await db.prisma.usedAssertion.createMany({ data: issuers.map((issuer) => ({ issuer, jti: USED_JTI, keepUntil })) })
}

/** Every RPC, while something that it needs is away: a good request answers this reason. */
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

/** Every RPC once its caller has called too often. These requests are refused anyhow, so none of them changes anything. */
export const rateCases: readonly RefusalCase[] = methods.map((method) => ({
  name: 'too many calls',
  method,
  reason: 'RATE_LIMITED',
  request: () => Object.fromEntries(restForm(method).pathFields.map((name) => [name, NOBODY])),
}))
