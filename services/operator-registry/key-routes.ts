import type { OperationalKey, RootKey } from '@auth4agent/core/identity/operator-manifest'
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import type { Handlers } from '../calls/call.ts'
import type { Context } from './context.ts'
import { submitKeyRequest } from './key-requests.ts'
import { setOperatorKeys } from './set-keys.ts'
import { dropKeyRequest, listKeyRequests } from './store/key-requests.ts'
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
    async submitKeyRequest(request, call) {
      const { operatorId: id, kid, expiresAt } = await submitKeyRequest(context, call, request)
      return { id, kid, expiresAt: timestampFromDate(expiresAt) }
    },
    async listKeyRequests({ id }) {
      const rows = await listKeyRequests(context, id)
      const requests = rows.map(({ kid, request, submittedAt, expiresAt }) => {
        const [submitted, expires] = [timestampFromDate(submittedAt), timestampFromDate(expiresAt)]
        return { kid, request, submittedAt: submitted, expiresAt: expires }
      })
      return { requests }
    },
    async dropKeyRequest({ id, kid }, call) {
      await dropKeyRequest(context, call, { operatorId: id, kid })
      return { id, kid }
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
