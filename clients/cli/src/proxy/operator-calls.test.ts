import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OperatorKeyService } from '../../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { PeopleService } from '../../../../gen/proto/auth4agent/v1/people_pb.ts'
import { RevocationService } from '../../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { authnPolicies } from '../../../../services/authn/policy.ts'
import { policies as identityPolicies } from '../../../../services/identity/policy.ts'
import { restBindings } from '../../../../services/jwks-gateway/rest/rest-bindings.ts'
import { keysPolicies } from '../../../../services/keys/policy.ts'
import { keyPolicies, policies as registryPolicies } from '../../../../services/operator-registry/policy.ts'
import { peoplePolicies } from '../../../../services/people/policy.ts'
import { revocationPolicies } from '../../../../services/revocation/policy.ts'
import { findOperatorCall, OPERATOR_CALLS } from './operator-calls.ts'

const OWN = '0190c3a8-2f5e-8000-8000-00000000000a'
const OTHER = '0190c3a8-2f5e-8000-8000-00000000000b'
const DID = 'did:agent:acme.example:0123456789abcdef0123456789abcdef'
const AGENTS = `/v1/operators/${OWN}/agents`

interface Line {
  readonly callers: readonly string[]
  readonly own?: string
  readonly action?: string
}
const POLICIES: Readonly<Record<string, Line>> = {
  ...authnPolicies,
  ...keysPolicies,
  ...identityPolicies,
  ...registryPolicies,
  ...keyPolicies,
  ...peoplePolicies,
  ...revocationPolicies,
}

describe('OPERATOR_CALLS', () => {
  it('contains all REST calls that need an operator assertion, and revocation by jti', () => {
    const services = [
      AuthnService,
      KeysService,
      IdentityService,
      OperatorRegistryService,
      OperatorKeyService,
      PeopleService,
      RevocationService,
    ]
    const expected = restBindings(services).flatMap(({ method, verb, path }) => {
      const { callers, own, action } = POLICIES[method.localName] ?? { callers: [] }
      const isOptional = callers.includes('anyone')
      if (!callers.includes('operator') || method.localName === 'registerAgent') return []
      const names = path.fields.map(({ localName, name }) => [
        `{${name}}`,
        localName === own ? '{operator}' : `{${name}}`,
      ])
      const template = names.reduce((text, [from = '', to = '']) => text.replace(from, to), path.template)
      const name = method.name.replaceAll(/(?<!^)[A-Z]/g, '-$&').toLowerCase()
      return [{ name, verb, path: template, reads: action === undefined, needed: isOptional ? 'by-jti' : 'always' }]
    })
    expect(OPERATOR_CALLS.toSorted(byName)).toEqual(expected.toSorted(byName))
  })
})

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

describe('findOperatorCall', () => {
  it.each([
    ['GET', AGENTS, 'list-agents'],
    ['HEAD', AGENTS, 'list-agents'],
    ['PATCH', `${AGENTS}/scopes`, 'set-agent-scopes'],
    ['PATCH', `${AGENTS}/${DID}`, 'update-agent'],
    ['POST', `${AGENTS}/${DID}/revoke`, 'revoke-agent'],
    ['POST', `${AGENTS}/${encodeURIComponent(DID)}/suspend`, 'suspend-agent'],
    ['POST', `${AGENTS}/${OTHER}/reactivate`, 'reactivate-agent'],
    ['POST', '/v1/revoke/token', 'revoke-token'],
    ['GET', '/v1/revocations', 'watch-revocations'],
  ])('finds for %s %s the call %s', (method, path, name) => {
    expect(findOperatorCall(method, path, OWN)?.name).toBe(name)
  })

  it.each([
    ['another operator', 'GET', `/v1/operators/${OTHER}/agents`],
    ['registering an agent', 'POST', AGENTS],
    ['another method', 'PUT', `${AGENTS}/scopes`],
    ['a trailing slash', 'GET', `${AGENTS}/`],
    ['a call that anyone may make', 'GET', `/v1/operators/${OWN}`],
    ['an encoded literal that decodes to another call', 'PATCH', `${AGENTS}/s%63opes`],
    ['an encoded slash in an agent', 'POST', `${AGENTS}/a%2Fb/revoke`],
    ['an encoded id', 'GET', `/v1/operators/%30${OWN.slice(1)}/agents`],
    ['an administrator call', 'POST', `/v1/operators/${OWN}/suspend`],
  ])('returns undefined for %s', (_name, method, path) => {
    expect(findOperatorCall(method, path, OWN)).toBeUndefined()
  })
})
