import { isTemporaryVerdict, type Verdict, verdicts } from '@auth4agent/core/token/verdicts'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { AuthnService, VerifyTokenResponseSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { methodName } from '../calls/method-name.ts'
import { statusRefusals } from './refuse-by-status.ts'

const refusalOf = (reason: string, valid = false) =>
  statusRefusals[methodName(AuthnService.method.verifyToken)]?.(create(VerifyTokenResponseSchema, { valid, reason }))

it.each(Object.keys(verdicts) as Verdict[])('a proxy gets a challenge for %s, or 503 if it is temporary', (verdict) => {
  const refusal = refusalOf(verdict)
  if (isTemporaryVerdict(verdict)) expect(refusal).toEqual({ status: 503, headers: { 'retry-after': '1' } })
  else expect(refusal?.headers).toHaveProperty('www-authenticate')
})

it('a proxy gets 503 for exactly the verdicts that say what is not known of another issuer', () => {
  const temporary = Object.keys(verdicts).filter((verdict) => refusalOf(verdict)?.status === 503)
  expect(temporary).toEqual(['ISSUER_KEYS_UNAVAILABLE', 'ISSUER_REVOCATIONS_STALE'])
})

it('a proxy gets 401 for a verdict of a newer version, and nothing for a valid token', () => {
  expect(refusalOf('PLANET')?.status).toBe(401)
  expect(refusalOf('', true)).toBeUndefined()
})
