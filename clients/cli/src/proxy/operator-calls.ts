import { isUuid } from '@auth4agent/core/encoding/uuid'

/** A REST call that needs an operator assertion. */
export interface OperatorCall {
  /** Name of the RPC in kebab case, for `--allow`. */
  readonly name: string
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** A segment is literal, `{operator}` (the own id), `{agent}`, `{kid}`, `{name}`, `{subject}` or `{record_id}`. */
  readonly path: string
  /** Whether the call only reads. */
  readonly reads: boolean
  /** `by-jti`: the call needs the assertion only if its body has a `jti`. With a token it needs none. */
  readonly needed: 'always' | 'by-jti'
}

const AGENTS = '/v1/operators/{operator}/agents'
const OWN = '/v1/operators/{operator}'

/**
 * All REST calls that need an operator assertion. The registration of an agent needs none, so it is missing here. The
 * registered agent is then pending, until a tool approves it or sets its scopes.
 */
export const OPERATOR_CALLS: readonly OperatorCall[] = [
  reading('list-agents', AGENTS),
  changing('approve-agent', 'POST', `${AGENTS}/{agent}/approve`),
  changing('set-agent-scopes', 'PATCH', `${AGENTS}/scopes`),
  changing('update-agent', 'PATCH', `${AGENTS}/{agent}`),
  changing('suspend-agent', 'POST', `${AGENTS}/{agent}/suspend`),
  changing('reactivate-agent', 'POST', `${AGENTS}/{agent}/reactivate`),
  changing('revoke-agent', 'POST', `${AGENTS}/{agent}/revoke`),
  changing('release-domain', 'POST', `${OWN}/release`),
  reading('get-operator-policy', `${OWN}/policy`),
  changing('set-operator-policy', 'PUT', `${OWN}/policy`),
  changing('end-all-tokens', 'POST', `${OWN}/end-all-tokens`),
  reading('list-audit-records', `${OWN}/audit`),
  reading('get-audit-record', `${OWN}/audit/{record_id}`),
  reading('get-operator-keys', `${OWN}/keys`),
  changing('set-operator-keys', 'PUT', `${OWN}/keys`),
  reading('list-key-requests', `${OWN}/key-requests`),
  changing('drop-key-request', 'DELETE', `${OWN}/key-requests/{kid}`),
  changing('put-identity-provider', 'PUT', `${OWN}/providers/{name}`),
  reading('list-identity-providers', `${OWN}/providers`),
  changing('remove-identity-provider', 'DELETE', `${OWN}/providers/{name}`),
  reading('list-users', `${OWN}/users`),
  changing('disable-user', 'POST', `${OWN}/users/{subject}/disable`),
  changing('enable-user', 'POST', `${OWN}/users/{subject}/enable`),
  changing('remove-user', 'DELETE', `${OWN}/users/{subject}`),
  reading('list-clients', `${OWN}/clients`),
  changing('put-client', 'PUT', `${OWN}/clients`),
  changing('block-client', 'POST', `${OWN}/clients/block`),
  reading('list-consents', `${OWN}/consents`),
  changing('withdraw-consent', 'DELETE', `${OWN}/consents/{consent_id}`),
  changing('end-connection', 'DELETE', `${OWN}/connections/{connection_id}`),
  { ...changing('revoke-token', 'POST', '/v1/revoke/token'), needed: 'by-jti' },
  reading('watch-revocations', '/v1/revocations'),
]

/**
 * Matches an agent's id or DID. Only its colons may be percent-encoded: the server decodes a path before it chooses
 * the call, so `s%63opes` would be another call for the server than for the proxy.
 */
const AGENT = /^(?:[A-Za-z0-9._-]|:|%3[Aa])+$/

/** The name of an identity provider. */
const PROVIDER = /^[a-z][a-z0-9-]{0,62}$/
/** The subject of a user, whose colon may be percent-encoded. */
const USER = /^user(?::|%3[Aa])[A-Za-z0-9._~-]{1,200}$/
const KID = /^[A-Za-z0-9_-]{43}$/

/**
 * Finds the operator call of a request, or undefined if the request needs no assertion of this operator. `path` is the
 * path as sent, without query. HEAD counts as GET (RFC 9110 section 9.3.2).
 */
export function findOperatorCall(method: string, path: string, operatorId: string): OperatorCall | undefined {
  const verb = method === 'HEAD' ? 'GET' : method
  const segments = path.split('/')
  return OPERATOR_CALLS.find((call) => call.verb === verb && matches(call.path.split('/'), segments, operatorId))
}

function matches(template: readonly string[], segments: readonly string[], operatorId: string): boolean {
  if (template.length !== segments.length) return false
  return template.every((part, index) => {
    const segment = segments[index] ?? ''
    if (part === '{operator}') return segment === operatorId
    if (part === '{record_id}') return isUuid(segment)
    if (part === '{kid}') return KID.test(segment)
    if (part === '{name}') return PROVIDER.test(segment)
    if (part === '{subject}') return USER.test(segment)
    return part === '{agent}' ? AGENT.test(segment) : segment === part
  })
}

function reading(name: string, path: string): OperatorCall {
  return { name, verb: 'GET', path, reads: true, needed: 'always' }
}

function changing(name: string, verb: Exclude<OperatorCall['verb'], 'GET'>, path: string): OperatorCall {
  return { name, verb, path, reads: false, needed: 'always' }
}
