import type { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import type { Policies } from '../calls/policy.ts'

/**
 * Who may call each method of KeysService. Signing keys belong to the whole deployment, so only the administrator may
 * list and change them. The JWKS is public.
 */
export const keysPolicies: Policies<typeof KeysService> = {
  getJsonWebKeySet: { callers: ['anyone'], limit: 'read', fromMemory: true },
  listSigningKeys: { callers: ['admin'], limit: 'read' },
  rotateSigningKeys: { callers: ['admin'], limit: 'manage', action: 'key.rotate', endsTokens: false },
  markKeyCompromised: {
    callers: ['admin'],
    limit: 'urgent',
    action: 'key.compromise',
    endsTokens: true,
    urgent: true,
  },
  importSigningKey: {
    callers: ['admin'],
    limit: 'manage',
    action: 'key.import',
    endsTokens: false,
    secretField: 'key',
  },
}
