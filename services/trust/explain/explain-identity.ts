import { recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Identity, NotIdentified } from '../decide/identify.ts'
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
  if (!identity.ok) return notIdentified(deps.issuer, caller, identity)
  if (ended !== undefined) {
    const state = ended === 'ISSUER_DISABLED' ? 'disabled' : 'unproven'
    return notIdentified(deps.issuer, caller, { state, issuer: identity.issuer })
  }
  const { edgeId, operatorId, provenAt } = identity.domain
  const key = provenAt === undefined ? undefined : await deps.rows.thumbprintOf(edgeId)
  const proof = key === undefined ? '' : recordValue({ issuer: home, operatorId, thumbprint: key })
  const speaksFor = { kind: 'speaks-for', edgeId, from: name, to: home, proof }
  return { leg: 'identity', ok: true, path: [{ kind: 'admits', from: deps.issuer, to: home }, speaksFor] }
}

function notIdentified(own: string, caller: Caller, { state, issuer }: Pick<NotIdentified, 'state' | 'issuer'>): Leg {
  const { home, domain, operatorId } = caller
  if (state !== 'unproven') {
    const cure = state === 'absent' ? admitIssuer(home) : enableIssuer(home)
    return refused({ kind: 'admits', from: own, to: home, state }, [cure])
  }
  // Only the administrator pins the domain of an OAuth server, once.
  const cures = issuer?.kind === 'oauth' ? [] : [publishRecord({ issuer: home, domain, operatorId, thumbprint: '' })]
  return refused({ kind: 'speaks-for', from: domain, to: home, state }, cures)
}

/** Explains whether a caller of this deployment is an operator that has proven its domain. */
export function explainLocalIdentity(own: string, { domain, operator }: Caller): Leg {
  if (operator?.status === 'active') {
    const proof = recordValue({ issuer: own, operatorId: operator.id, thumbprint: thumbprint(operator.rootPublicKey) })
    return { leg: 'identity', ok: true, path: [{ kind: 'speaks-for', from: domain, to: own, proof }] }
  }
  const missing = { kind: 'speaks-for', from: domain, to: own }
  if (operator?.status === 'suspended') {
    return refused({ ...missing, state: 'disabled' }, [reinstateOperator(operator.id)])
  }
  const isKnown = operator?.status === 'pending' || operator?.status === 'lapsed'
  if (!isKnown) return refused({ ...missing, state: 'absent' }, [registerOperator(domain)])
  const record = { issuer: own, domain, operatorId: operator.id, thumbprint: thumbprint(operator.rootPublicKey) }
  return refused({ ...missing, state: 'unproven' }, [publishRecord(record)])
}

function refused(missing: MissingMessage, cures: readonly CureMessage[]): Leg {
  return { leg: 'identity', ok: false, missing, cures: [...cures] }
}
