import { recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { KnownDomain, KnownIssuer } from '../knowledge/known-issuer.ts'
import { admitIssuer, enableIssuer, publishRecord, registerOperator, reinstateOperator } from './cure-commands.ts'
import type { CureMessage, ExplainDeps, Leg, MissingMessage } from './deps.ts'
import type { Caller } from './read-question.ts'

/** The leg `identity`, and what it found of a foreign caller. `domain` is set only if the leg is ok. */
export interface Identity {
  readonly leg: Leg
  readonly issuer?: KnownIssuer
  readonly domain?: KnownDomain
}

/** Explains whether an admitted issuer speaks for the domain of a caller at another deployment. */
export async function explainIdentity(deps: ExplainDeps, caller: Caller): Promise<Identity> {
  const { home, domain: name } = caller
  const issuer = await deps.knowledge.rereadIssuer(home)
  if (issuer === undefined) return { leg: notAdmitted(deps.issuer, home, 'absent', admitIssuer(home)) }
  if (!issuer.isEnabled) return { leg: disabled(deps.issuer, home), issuer }
  const domain = issuer.domains.get(name)
  if (domain?.operatorId !== caller.operatorId) return { leg: unproven(caller, issuer.kind), issuer }
  const key = domain.provenAt === undefined ? undefined : await deps.rows.thumbprintOf(domain.edgeId)
  const proof = key === undefined ? '' : recordValue({ issuer: home, operatorId: domain.operatorId, thumbprint: key })
  const speaksFor = { kind: 'speaks-for', edgeId: domain.edgeId, from: name, to: home, proof }
  const path = [{ kind: 'admits', from: deps.issuer, to: home }, speaksFor]
  return { leg: { leg: 'identity', ok: true, path }, issuer, domain }
}

/** The leg of an issuer that the administrator has disabled. */
export function disabled(own: string, home: string): Leg {
  return notAdmitted(own, home, 'disabled', enableIssuer(home))
}

/** The leg of a domain without a proof. Only the administrator pins the domain of an OAuth server, once. */
export function unproven({ home, domain, operatorId }: Caller, kind: KnownIssuer['kind'] | undefined): Leg {
  const cures = kind === 'oauth' ? [] : [publishRecord({ issuer: home, domain, operatorId, thumbprint: '' })]
  return refused({ kind: 'speaks-for', from: domain, to: home, state: 'unproven' }, cures)
}

/** Explains whether a caller of this deployment is an operator that has proven its domain. */
export function explainLocalIdentity(own: string, { domain, operator }: Caller): Leg {
  if (operator?.status === 'active') {
    const proof = recordValue({ issuer: own, operatorId: operator.id, thumbprint: keyOf(operator) })
    return { leg: 'identity', ok: true, path: [{ kind: 'speaks-for', from: domain, to: own, proof }] }
  }
  const missing = { kind: 'speaks-for', from: domain, to: own }
  if (operator?.status === 'suspended') {
    return refused({ ...missing, state: 'disabled' }, [reinstateOperator(operator.id)])
  }
  const isKnown = operator?.status === 'pending' || operator?.status === 'lapsed'
  if (!isKnown) return refused({ ...missing, state: 'absent' }, [registerOperator(domain)])
  const record = { issuer: own, domain, operatorId: operator.id, thumbprint: keyOf(operator) }
  return refused({ ...missing, state: 'unproven' }, [publishRecord(record)])
}

function keyOf({ rootPublicKey }: OperatorSnapshot): string {
  return thumbprint(rootPublicKey)
}

function notAdmitted(own: string, home: string, state: 'absent' | 'disabled', cure: CureMessage): Leg {
  return refused({ kind: 'admits', from: own, to: home, state }, [cure])
}

function refused(missing: MissingMessage, cures: readonly CureMessage[]): Leg {
  return { leg: 'identity', ok: false, missing, cures: [...cures] }
}
