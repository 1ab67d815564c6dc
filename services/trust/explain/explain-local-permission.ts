import { admitCaller } from '../../operator-registry/index.ts'
import { listCaller, registerOperator } from './cures/cure-commands.ts'
import type { Leg } from './deps.ts'
import type { Question } from './read-question.ts'

/**
 * Explains whether a caller of this deployment may ask for tokens for the audience: the policy of the audience's owner
 * lists its domain, or `*`. This is the rule by which tokens are issued, and they name the entry as their edge. Nobody
 * forbids an audience without an owner, and the issuer itself is open to all.
 */
export function explainLocalPermission(issuer: string, { audience, owner, caller }: Question): Leg {
  const { text } = audience
  const { operatorId: id, domain } = caller
  const admitted = text === issuer ? { entry: undefined } : admitCaller(audience, owner, { id, domain })
  const edge = { kind: 'caller', from: owner.domain, to: domain }
  if (admitted !== undefined) {
    const { entry } = admitted
    if (entry === undefined) return { leg: 'permission', ok: true }
    // The caller sees its own entry, but not the others of the list.
    const proof = JSON.stringify({ audience: entry.audience, callers: [entry.caller] })
    return { leg: 'permission', ok: true, path: [{ ...edge, edgeId: entry.edge, proof }] }
  }
  return {
    leg: 'permission',
    ok: false,
    missing: { ...edge, state: 'absent' },
    cures: [listCaller(owner.domain, { audience: text, domain: caller.domain })],
  }
}

/** The leg of an audience that no operator owns. Only an owner can let foreign operators call it. */
export function noOwner({ audience, caller }: Question): Leg {
  return {
    leg: 'permission',
    ok: false,
    missing: { kind: 'lets-call', from: audience.host, to: caller.domain, state: 'absent' },
    cures: [registerOperator(audience.host)],
  }
}
