import { findCaller } from '../../operator-registry/index.ts'
import { listCaller, registerOperator } from './cure-commands.ts'
import type { Leg } from './deps.ts'
import type { Question } from './read-question.ts'

/**
 * Explains whether a caller of this deployment may ask for tokens for the audience: the policy of the audience's owner
 * lists its domain, or `*`. This is the rule by which tokens are issued, and they name the entry as their edge. Nobody
 * forbids an audience without an owner, and the issuer itself is open to all.
 */
export function explainLocalPermission(issuer: string, { asker, audience, owner, caller }: Question): Leg {
  const { text } = audience
  const isOpen = text === issuer || owner.operatorId === '' || owner.operatorId === caller.operatorId
  if (isOpen) return { leg: 'permission', ok: true }
  const edge = { kind: 'caller', from: owner.domain, to: caller.domain }
  const entry = findCaller(audience, owner.rules, caller.domain)
  if (entry !== undefined) {
    // The caller sees its own entry, but not the others of the list.
    const proof = JSON.stringify({ audience: entry.audience, callers: [entry.caller] })
    return { leg: 'permission', ok: true, path: [{ ...edge, edgeId: entry.edge, proof }] }
  }
  const seesRules = asker === undefined || asker === owner.operatorId
  const hasRule = seesRules && owner.rules.some((rule) => rule.audience === text)
  return {
    leg: 'permission',
    ok: false,
    missing: { ...edge, state: 'absent' },
    cures: [listCaller(owner.domain, { audience: text, domain: caller.domain, hasRule })],
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
