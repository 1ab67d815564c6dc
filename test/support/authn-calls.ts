import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  CreateChallengeRequestSchema,
  IssueTokenRequestSchema,
  VerifyTokenRequestSchema,
} from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { GetJsonWebKeySetRequestSchema } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import {
  IntrospectRequestSchema,
  RevokeRequestSchema,
  TokenRequestSchema,
} from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { RevokeTokenRequestSchema } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { createAuthn } from '../../services/authn/index.ts'
import type { Call } from '../../services/calls/call.ts'
import { createKeys } from '../../services/keys/index.ts'
import { createRevocation } from '../../services/revocation/index.ts'
import { clientAssertion, signChallenge, type TestAgent, type TestChallenge } from './authn-agents.ts'
import { anonymous } from './identity.ts'

type Init<S extends Parameters<typeof create>[0]> = MessageInitShape<S>
type TokenWishes = Omit<Init<typeof IssueTokenRequestSchema>, '$typeName'>

/** Returns the calls of authn and revocation. */
export function callsOf(
  { module: authn }: ReturnType<typeof createAuthn>,
  { module: keys }: Awaited<ReturnType<typeof createKeys>>,
  revocation: ReturnType<typeof createRevocation>,
) {
  const challenge = async (did: string, wishes: Init<typeof CreateChallengeRequestSchema> = {}) => {
    const request = create(CreateChallengeRequestSchema, { ...wishes, did })
    const { challenge = '', nonce = '', expiresAt } = await authn.handlers.createChallenge(request, anonymous())
    return { challenge, nonce, expiresAt }
  }
  const redeem = (agent: TestAgent, made: TestChallenge, wishes: TokenWishes = {}, call: Call = anonymous()) => {
    const { challenge, nonce } = made
    const signature = signChallenge(agent, made)
    const request = create(IssueTokenRequestSchema, { did: agent.did, challenge, nonce, signature, ...wishes })
    return authn.handlers.issueToken(request, call)
  }
  return {
    challenge,
    redeem,
    /** Gets a challenge, signs it and redeems it. Returns the token. */
    async issue(agent: TestAgent, wishes: TokenWishes = {}): Promise<string> {
      const { token = '' } = await redeem(agent, await challenge(agent.did), wishes)
      return token
    },
    verify: (token: string, wanted: Init<typeof VerifyTokenRequestSchema> = {}) =>
      authn.handlers.verifyToken(create(VerifyTokenRequestSchema, { ...wanted, token }), anonymous()),
    jwks: () => keys.handlers.getJsonWebKeySet(create(GetJsonWebKeySetRequestSchema), anonymous()),
    revoke: (request: Init<typeof RevokeTokenRequestSchema>, call: Call = anonymous()) =>
      revocation.module.handlers.revokeToken(create(RevokeTokenRequestSchema, request), call),
  }
}

/** Returns the calls of OAuthService. Each of them has a fresh client assertion unless the wishes contain one. */
export function oauthCallsOf({ oauth: { handlers } }: ReturnType<typeof createAuthn>) {
  return {
    token: handlers.token,
    authorizeDevice: handlers.authorizeDevice,
    /** Revokes as a client that is no agent. */
    revokeAs: (clientId: string, token: string, more: object = {}) =>
      handlers.revoke(create(RevokeRequestSchema, { token, clientId, ...more }), anonymous()),
    oauthToken: (
      agent: TestAgent,
      wishes: Omit<Init<typeof TokenRequestSchema>, '$typeName'> = {},
      call: Call = anonymous(),
    ) =>
      handlers.token(
        create(TokenRequestSchema, { grantType: 'client_credentials', ...clientAssertion(agent), ...wishes }),
        call,
      ),
    introspect: (
      agent: TestAgent,
      token: string,
      wishes: Omit<Init<typeof IntrospectRequestSchema>, '$typeName'> = {},
    ) =>
      handlers.introspect(
        create(IntrospectRequestSchema, { token, ...clientAssertion(agent), ...wishes }),
        anonymous(),
      ),
    revokeOwn: (agent: TestAgent, token: string, wishes: Omit<Init<typeof RevokeRequestSchema>, '$typeName'> = {}) =>
      handlers.revoke(create(RevokeRequestSchema, { token, ...clientAssertion(agent), ...wishes }), anonymous()),
  }
}
