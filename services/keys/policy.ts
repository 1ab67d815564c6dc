import type { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import type { Policies } from '../chain/policy.ts'

/** Who may call KeysService. Keys are the whole deployment's, so nothing of their life is an operator's. */
export const keysPolicies: Policies<typeof KeysService> = {
  getJsonWebKeySet: { callers: ['anyone'], limit: 'read' },
  listSigningKeys: { callers: ['admin'], limit: 'read' },
  rotateSigningKeys: { callers: ['admin'], limit: 'manage', action: 'key.rotate', endsTokens: false },
  markKeyCompromised: { callers: ['admin'], limit: 'manage', action: 'key.compromise', endsTokens: true },
  importSigningKey: { callers: ['admin'], limit: 'manage', action: 'key.import', endsTokens: false },
}
