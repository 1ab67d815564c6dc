import { ADMIN_ASSERTION_TYPE, OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import { describe, expect, it } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import {
  type AssertionEdits,
  adminSigner,
  bearer,
  ISSUER,
  NOW_S,
  operatorSigner,
} from '../../test/support/assertions.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import { type AuthenticateDeps, authenticate } from './authenticate.ts'
import type { CallerKind } from './policy.ts'
import { EMPTY_BODY } from './request-body.ts'

const ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const operator = operatorSigner(ID)
const admin = adminSigner()
const CALL = { rpc: 'POST /x', body: EMPTY_BODY, isBodySecret: false, cause: CAUSE }
const RULES = { issuer: ISSUER, nowS: NOW_S, skewS: 10, mustNameRpc: false, ...CALL }
const noNonce = async () => false

function setUp(status = 'active', adminKey: Uint8Array | undefined = admin.pair.publicKey) {
  const asked: string[] = []
  const operators = localClient(OperatorDirectoryService, {
    async lookupOperator({ by }) {
      asked.push(by.value ?? '')
      if (by.case !== 'id' || by.value !== ID) return {}
      return { operator: { id: ID, domain: 'a.example', status, rootPublicKey: operator.pair.publicKey } }
    },
    async lookupAudienceOwner() {
      throw new Error('not asked here')
    },
  })
  const deps: AuthenticateDeps = { operators, adminKey, isFreshNonce: noNonce }
  const call = (authorization: string | undefined, callers: CallerKind[] = ['anyone', 'operator', 'admin']) =>
    authenticate(deps, authorization, callers, RULES)
  return { asked, call }
}

describe('authenticate', () => {
  it('returns an anonymous principal without a header, also for a method that only operators may call', async () => {
    expect(await setUp().call(undefined, ['operator'])).toEqual({ principal: { kind: 'anonymous' } })
  })

  it('ignores the header of a method that serves only anonymous callers', async () => {
    const { call, asked } = setUp()
    expect(await call('Basic nonsense', ['anyone'])).toEqual({ principal: { kind: 'anonymous' } })
    expect(await call(bearer(operator), ['anyone'])).toEqual({ principal: { kind: 'anonymous' } })
    expect(asked).toEqual([])
  })

  it('refuses an invalid header of a method that serves anonymous callers and operators', async () => {
    expect(await refusalOf(setUp().call('Basic nonsense', ['anyone', 'operator']))).toBe('INVALID_ASSERTION')
  })

  it.each(['active', 'lapsed', 'suspended'])('authenticates an operator that is %s', async (status) => {
    const { principal } = await setUp(status).call(bearer(operator, { claims: { jti: 'a' } }))
    const assertion = { jti: 'a', expiresAt: NOW_S + 60 }
    expect(principal).toMatchObject({ kind: 'operator', operatorId: ID, assertion, key: { isRoot: true } })
  })

  it.each(['superseded', 'released'])(
    'returns the principal with a refusal for an operator that is %s',
    async (status) => {
      const { principal, refusal } = await setUp(status).call(bearer(operator))
      expect([principal.kind, refusal?.reason]).toEqual(['operator', 'OPERATOR_NOT_ACTIVE'])
    },
  )

  it.each(['pending', ''])('throws OPERATOR_NOT_ACTIVE for an operator with the status "%s"', async (status) => {
    expect(await refusalOf(setUp(status).call(bearer(operator)))).toBe('OPERATOR_NOT_ACTIVE')
  })

  it("does not reveal an operator's status to a caller without its root key", async () => {
    const forged = bearer({ ...operatorSigner(ID), iss: ID })
    expect(await refusalOf(setUp('pending').call(forged))).toBe('INVALID_ASSERTION')
  })

  it('authenticates the administrator', async () => {
    const { principal } = await setUp().call(bearer(admin, { claims: { jti: 'a' } }))
    expect(principal).toMatchObject({
      kind: 'admin',
      assertion: { jti: 'a', expiresAt: NOW_S + 60 },
      key: { isRoot: false },
    })
  })

  it('refuses the administrator when no administrator key is configured', async () => {
    const operators = setUp().call
    expect(await refusalOf(operators(bearer(adminSigner())))).toBe('INVALID_ASSERTION')
    const deps = {
      operators: localClient(OperatorDirectoryService, emptyDirectory),
      adminKey: undefined,
      isFreshNonce: noNonce,
    }
    expect(await refusalOf(authenticate(deps, bearer(admin), ['admin'], RULES))).toBe('INVALID_ASSERTION')
  })

  const swaps: [string, typeof admin, AssertionEdits][] = [
    ['an operator with the typ of an administrator', operator, { header: { typ: ADMIN_ASSERTION_TYPE } }],
    ['the administrator with the typ of an operator', admin, { header: { typ: OPERATOR_ASSERTION_TYPE } }],
    ['an operator with the issuer admin', operator, { claims: { iss: 'admin', sub: 'admin' } }],
    ['an operator with typ and issuer of the administrator', { ...admin, pair: operator.pair }, {}],
    ["the administrator with an operator's id as issuer", admin, { claims: { iss: ID, sub: ID } }],
    ['the administrator with typ and issuer of an operator', { ...operator, pair: admin.pair }, {}],
    ['an access token', operator, { header: { typ: 'at+jwt' } }],
    ['an unknown operator', operatorSigner('22222222-2222-8222-8222-222222222222'), {}],
    ['an id in upper case', operator, { claims: { iss: ID.toUpperCase(), sub: ID.toUpperCase() } }],
    ['an id that is no UUID', operator, { claims: { iss: '__proto__', sub: '__proto__' } }],
    ['an id with a line feed', operator, { claims: { iss: `${ID}\n`, sub: `${ID}\n` } }],
  ]
  it.each(swaps)('refuses %s', async (_name, signer, edits) => {
    expect(await refusalOf(setUp().call(bearer(signer, edits)))).toBe('INVALID_ASSERTION')
  })

  it('does not ask the directory for an issuer that is no UUID', async () => {
    const { call, asked } = setUp()
    await refusalOf(call(bearer(operator, { claims: { iss: 'x', sub: 'x' } })))
    expect(asked).toEqual([])
  })

  it('throws UNAVAILABLE when the directory is unavailable', async () => {
    const away = { ...emptyDirectory, lookupOperator: () => Promise.reject(new ApiError('UNAVAILABLE')) }
    const deps = { operators: localClient(OperatorDirectoryService, away), adminKey: undefined, isFreshNonce: noNonce }
    expect(await refusalOf(authenticate(deps, bearer(operator), ['operator'], RULES))).toBe('UNAVAILABLE')
  })
})

const emptyDirectory = {
  lookupOperator: async () => ({}),
  lookupAudienceOwner: async () => ({}),
}
