import { randomUUID } from 'node:crypto'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { JsonObject } from '@bufbuild/protobuf'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { signCompactJws } from '../../support/jws.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { AgentName } from '../support/seed.ts'
import type { World } from '../support/world.ts'
import { proofBy } from './exchanges.ts'
import { authenticated } from './valid-requests.ts'

const method = OAuthService.method.token
const AUDIENCE = 'https://api.acme-operator.com'
const now = () => Math.floor(Date.now() / 1000)

/** Signs an ID-JAG of the seeded identity provider for an agent, with edits. */
function idJag({ issuers: { provider }, issuer: aud, agents }: World, by: AgentName, edits: object = {}): string {
  const { pair, issuer: iss } = provider
  const claims = { iss, sub: 'seeded', aud, client_id: agents[by].did, resource: AUDIENCE, scope: 'read' }
  const times = { jti: randomUUID(), iat: now(), exp: now() + 60 }
  const header = { typ: 'oauth-id-jag+jwt', alg: 'EdDSA', kid: thumbprint(pair.publicKey) }
  return signCompactJws(header, { ...claims, ...times, ...edits }, pair.privateKey)
}

interface Wish {
  readonly claims?: object
  readonly fields?: JsonObject
  readonly by?: AgentName
  readonly before?: (world: World) => Promise<unknown>
}

function forUser(name: string, reason: ReasonCode, { claims, fields, by = 'active', before }: Wish): RefusalCase {
  return {
    name: `a token for a user: ${name}`,
    reason,
    method,
    async request(world) {
      await before?.(world)
      const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: idJag(world, by, claims) }
      return { ...grant, ...authenticated(world.agents[by]), ...fields }
    },
    proof: (world, target) => proofBy(world.agents[by], target),
  }
}

const USED = 'an id-jag that was used'
const useIt = ({ db, issuers: { provider } }: World) => {
  const data = { issuer: provider.issuer, jti: 'used-id-jag', keepUntil: new Date(Date.now() + 3_600_000) }
  return db.prisma.usedAssertion.createMany({ data: [data], skipDuplicates: true })
}
const none = { client_assertion: '', client_assertion_type: '', client_id: '' }

function withoutProof({ proof: _proof, ...others }: RefusalCase): RefusalCase {
  return others
}

/** Cases about tokens for users, by ID-JAGs of an identity provider. */
export const idJagCases: readonly RefusalCase[] = [
  forUser('no client assertion', 'GRANT_NOT_ACCEPTED', { fields: none }),
  forUser('the parameter audience', 'INVALID_ARGUMENT', { fields: { audience: AUDIENCE } }),
  forUser('details', 'UNSUPPORTED_AUTHORIZATION_DETAILS', { fields: { authorization_details: '[]' } }),
  forUser('an ID-JAG for another server', 'GRANT_NOT_ACCEPTED', { claims: { aud: AUDIENCE } }),
  forUser('an ID-JAG for another client', 'GRANT_NOT_ACCEPTED', { claims: { client_id: 'x' } }),
  forUser('an unknown identity provider', 'GRANT_NOT_ACCEPTED', { claims: { iss: 'https://idp.other.com' } }),
  forUser('a user without a rule', 'GRANT_NOT_ACCEPTED', { claims: { sub: 'other' } }),
  forUser('an identity provider with a NUL', 'GRANT_NOT_ACCEPTED', { claims: { iss: 'https://idp.other.com\0' } }),
  forUser('a user with a NUL', 'GRANT_NOT_ACCEPTED', { claims: { sub: 'seeded\0' } }),
  forUser('a tenant with a NUL', 'GRANT_NOT_ACCEPTED', { claims: { tenant: '\0' } }),
  forUser('an agent of another operator', 'GRANT_NOT_ACCEPTED', { by: 'ofBravo' }),
  forUser(USED, 'GRANT_USED', { claims: { jti: 'used-id-jag' }, before: useIt }),
  forUser('a scope beyond the rule', 'SCOPE_NOT_ALLOWED', { claims: { scope: 'read write' } }),
  forUser('an audience beyond the ID-JAG', 'AUDIENCE_NOT_ALLOWED', { fields: { resource: [`${AUDIENCE}/other`] } }),
  forUser('an agent that must bind its terms', 'BINDING_REQUIRED', { by: 'careful' }),
  withoutProof(forUser('no DPoP proof', 'DPOP_PROOF_REQUIRED', {})),
  {
    ...forUser('a DPoP proof by another agent', 'INVALID_DPOP_PROOF', {}),
    proof: (world, target) => proofBy(world.agents.committed, target),
  },
]
