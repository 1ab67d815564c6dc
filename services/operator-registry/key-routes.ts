import type { OperationalKey, RootKey } from '@auth4agent/core/identity/operator-manifest'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import type { Handlers } from '../calls/call.ts'
import type { Context } from './context.ts'
import { setOperatorKeys } from './set-keys.ts'
import { readKeys } from './store/manifests.ts'
import { getOperator } from './store/operators.ts'

/** Creates the handlers of OperatorKeyService. */
export function createKeyRoutes(context: Context): Handlers<typeof OperatorKeyService> {
  return {
    async getOperatorKeys({ id }) {
      const operator = await getOperator(context.reads, id)
      const { seq, manifest, threshold, rootKeys, keys } = await readKeys(context.reads, context.issuer, operator)
      return { id, seq, manifest, threshold, rootKeys: rootKeys.map(toRootKey), keys: keys.map(toKey) }
    },
    async setOperatorKeys(request, call) {
      const { operatorId: id, seq, threshold } = await setOperatorKeys(context, call, request)
      return { id, seq, threshold }
    },
  }
}

function toRootKey({ kid, label, jwk }: RootKey) {
  return { kid, label, kty: jwk.kty }
}

function toKey({ kid, label, jwk, roles, nbf, exp, webauthn, person = '' }: OperationalKey) {
  const times = { notBefore: timestampFromMs(nbf * 1000), expiresAt: timestampFromMs(exp * 1000) }
  return { kid, label, kty: jwk.kty, roles: [...roles], ...times, ...(webauthn && { webauthn }), person }
}
