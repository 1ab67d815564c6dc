import { recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Identity } from '../decide/identify.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import { admitIssuer, enableIssuer, publishRecord, registerOperator, reinstateOperator } from './cures/cure-commands.ts'
import type { CureMessage, ExplainDeps, Leg, MissingMessage } from './deps.ts'
import type { Caller } from './read-question.ts'

/**
 * Prints whether an admitted issuer speaks for the domain of a caller at another deployment. `ended` is why the log
 * says that it does no more.
 */
export async function explainIdentity(
  deps: Pick<ExplainDeps, 'issuer' | 'rows'>,
  caller: Caller,
  identity: Identity,
  ended: Verdict | undefined,
): Promise<Leg> {
  const { home, domain: name } = caller
  const refuse = (state: keyof typeof REFUSALS) => REFUSALS[state](deps.issuer, caller, identity.issuer?.kind)
  if (!identity.ok) return refuse(identity.state)
  if (ended !== undefined) return refuse(ended === 'ISSUER_DISABLED' ? 'disabled' : 'unproven')
  const { edgeId, operatorId, provenAt } = identity.domain
  const key = provenAt === undefined ? undefined : await deps.rows.thumbprintOf(edgeId)
  const proof = key === undefined ? '' : recordValue({ issuer: home, operatorId, thumbprint: key })
  const speaksFor = { kind: 'speaks-for', edgeId, from: name, to: home, proof }
  return { leg: 'identity', ok: true, path: [{ kind: 'admits', from: deps.issuer, to: home }, speaksFor] }
}

type Refusal = (own: string, caller: Caller, kind: KnownIssuer['kind'] | undefined) => Leg

const REFUSALS: Readonly<Record<'absent' | 'disabled' | 'unproven', Refusal>> = {
  absent: (own, { home }) => notAdmitted(own, home, 'absent', admitIssuer(home)),
  disabled: (own, { home }) => notAdmitted(own, home, 'disabled', enableIssuer(home)),
  // Only the administrator pins the domain of an OAuth server, once.
  unproven(_own, { home, domain, operatorId }, kind) {
    const cures = kind === 'oauth' ? [] : [publishRecord({ issuer: home, domain, operatorId, thumbprint: '' })]
    return refused({ kind: 'speaks-for', from: domain, to: home, state: 'unproven' }, cures)
  },
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
