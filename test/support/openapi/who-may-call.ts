import type { DescMethod } from '@bufbuild/protobuf'
import { SignalService } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { signalPolicies } from '../../../services/signals/policy.ts'
import { callersOf, roleOf } from '../../contract/cases/callers.ts'
import { restForm, shortName } from '../../contract/support/contract.ts'
import type { Schema } from './schemas.ts'

/** The security schemes of the document. */
type Scheme = 'operatorAssertion' | 'httpMessageSignature' | 'administratorAssertion'

/** The scopes of access tokens with which an agent makes a call for its operator. */
const SCOPES: Readonly<Record<string, { readonly scopes?: readonly string[] }>> = signalPolicies

function scopesOf(method: DescMethod): readonly string[] {
  return method.parent === SignalService ? (SCOPES[method.localName]?.scopes ?? []) : []
}

/** Calls for which an agent authenticates in the request itself, and by what. */
const AGENT_CALLS: Readonly<Record<string, string>> = {
  'AgentKeyService.AppendKeyEvent': 'the agent, whose key signs the event',
  'AgentKeyService.ObjectToRecovery': 'the agent, whose identity key signs the objection',
  'AttestationService.Attest': 'the agent, whose key signs the evidence with the nonce',
  'AuthnService.IssueToken': 'the agent, whose key signs the challenge',
  'DelegationService.IssueGrant': 'the agent, whose identity key signs the challenge',
  'OAuthService.Token': 'the agent, with a client assertion (private_key_jwt)',
  'OAuthService.Introspect': 'the agent, with a client assertion (private_key_jwt)',
  'OAuthService.Revoke': 'the agent, with a client assertion (private_key_jwt)',
}
/** What the operator needs for some requests of a call, beside the role of the call. */
const DEMANDS: Readonly<Record<string, string>> = {
  'TrustService.RevokeTrustStatement':
    '; to end a statement of the kind `blocks`, with as many root keys as its threshold',
}
const HOLDER: Readonly<Record<string, string>> = { 'RevocationService.RevokeToken': 'anyone who has the token' }

/** Returns who may call a method, in words. */
export function callersInWords(method: DescMethod): string {
  const name = shortName(method)
  const agent = AGENT_CALLS[name]
  if (agent !== undefined) return agent
  const role = roleOf(method)
  const operator =
    role === 'root'
      ? 'the operator, with as many root keys as its threshold'
      : role === undefined
        ? 'the operator, with any of its keys'
        : `the operator, with a key that has the role \`${role}\`${DEMANDS[name] ?? ''}`
  const parts = callersOf(method).split('-or-')
  const words: Readonly<Record<string, string>> = {
    anyone: HOLDER[name] ?? 'anyone',
    operator,
    admin: 'the administrator',
  }
  const scopes = scopesOf(method).map((scope) => `\`${scope}\``)
  const byToken =
    scopes.length === 0
      ? []
      : [`an agent of the operator, with an access token that has the scope ${scopes.join(' or ')}`]
  return [...parts.map((part) => words[part] ?? part), ...byToken].join('; ')
}

/** Returns the security requirements of a call. One of the alternatives is enough. */
export function securityOf(method: DescMethod): readonly Schema[] {
  const parts = callersOf(method).split('-or-')
  const schemes: readonly Scheme[] = [
    ...(parts.includes('operator') ? (['operatorAssertion'] as const) : []),
    ...(parts.includes('operator') && namesOperator(method) ? (['httpMessageSignature'] as const) : []),
    ...(parts.includes('admin') ? (['administratorAssertion'] as const) : []),
  ]
  const byToken = scopesOf(method).map((scope) => ({ accessToken: [scope] }))
  const alternatives = [...schemes.map((scheme) => ({ [scheme]: [] })), ...byToken]
  return parts.includes('anyone') ? [{}, ...alternatives] : alternatives
}

/** Only a request that names the operator can be signed as a whole, because no assertion says who has signed it. */
function namesOperator(method: DescMethod): boolean {
  return (
    method.input.fields.some(({ name }) => name === 'operator_id') ||
    restForm(method).template.startsWith('/v1/operators/{')
  )
}
