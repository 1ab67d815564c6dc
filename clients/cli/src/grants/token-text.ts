import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { formatCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import type { Style } from '../style.ts'
import { columns, lines, plain } from '../text.ts'
import { writeTime } from '../times.ts'
import { findingJson, NOT_ASKED, revocationState } from './chain-text.ts'
import { argumentsText } from './constraint-text.ts'
import type { TokenInspection } from './inspect-token.ts'

/** Describes a delegated token for people: a table of its parties, and what it allows. */
export function tokenText({ authority, finding, isOnline }: TokenInspection, style: Style): string {
  const mark = finding === undefined ? style.good('valid') : style.bad(finding.reason)
  const { reason, hop, means, rule, advice } = finding ?? {}
  const claims = authority?.claims
  return [
    `delegated token\n\nstate: ${mark}`,
    lines({
      issuer: claims?.iss,
      audience: claims && `[${claims.aud.join(' ')}]`,
      expires_at: claims && writeTime(claims.exp),
      jti: claims?.jti,
      'bound to': claims?.cnf?.jkt,
      "issuer's signature": isOnline ? 'checked' : NOT_ASKED,
      revocation: isOnline ? revocationState(finding) : NOT_ASKED,
    }),
    ...(authority === undefined ? [] : [partiesText(authority, hop), allowedText(authority)]),
    ...(finding === undefined ? [] : [lines({ refused: reason, party: hop, means, rule, advice })]),
  ].join('\n\n')
}

function partiesText(authority: DelegatedAuthority, ended: number | undefined): string {
  const { principal, actor, parties, agents, identityProvider } = authority
  const before = parties.length - agents.length
  const stateOf = (at: number) => (at === ended ? 'ended' : '')
  const user =
    identityProvider === undefined
      ? []
      : [[before === 0 ? '' : '0', principal, `principal: vouched for by ${identityProvider}`, stateOf(before - 1)]]
  const rows = agents.map(({ did }, at) => {
    const role = user.length > 0 ? ROLES.actor : roleOf(at, agents.length)
    return [String(at + before), did, role, stateOf(at + before)]
  })
  const client = agents.length === 0 ? [['', actor, ROLES.actor, '']] : []
  return columns([['PARTY', 'NAME', 'ROLE', ''], ...user, ...rows, ...client])
}

const ROLES = {
  principal: 'principal: its authority is used',
  actor: 'actor: it makes the calls',
  between: 'handed the authority on',
}

function roleOf(at: number, size: number): string {
  if (at === 0) return ROLES.principal
  return at === size - 1 ? ROLES.actor : ROLES.between
}

function allowedText({ capabilities }: DelegatedAuthority): string {
  const allowed = Array.from(capabilities, ([capability, map]) => `  ${capability} ${argumentsText(map)}`)
  return ['allows', ...(allowed.length === 0 ? ['  nothing'] : allowed)].map(plain).join('\n')
}

/** Describes a delegated token for programs. */
export function tokenJson({ authority, finding, isOnline }: TokenInspection) {
  const claims = authority?.claims
  return {
    valid: finding === undefined,
    ...findingJson(finding),
    ...(authority !== undefined &&
      claims !== undefined && {
        issuer: claims.iss,
        audience: claims.aud,
        jti: claims.jti,
        issued_at: writeTime(claims.iat),
        expires_at: writeTime(claims.exp),
        cnf: claims.cnf,
        ...(authority.identityProvider !== undefined && {
          principal: authority.principal,
          identity_provider: authority.identityProvider,
          user_operator_id: authority.userOperatorId,
          client_id: authority.actor,
        }),
        parties: authority.agents.map(({ did, operatorId: operator_id, id: grant_id }) => ({
          did,
          operator_id,
          grant_id,
        })),
        authorization_details: authority.capabilities.size > 0 ? formatCapabilities(authority.capabilities) : [],
      }),
    issuer_signature: isOnline ? 'checked' : 'not checked',
    revocation: isOnline && finding?.rule === undefined ? 'checked' : 'not checked',
  }
}
