import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/authn.ts'
import { deviceCallsOf } from '../../../test/support/people/device-world.ts'
import { CLIENT, useUserWorld } from '../../../test/support/people/user-world.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { DEVICE_CODE } from '../../people/index.ts'

const world = useUserWorld()

it('an assertion of a client on a device counts once, also while its user has not answered', async () => {
  const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true })
  const user = await world().user('another')
  const calls = deviceCallsOf(world())
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }
  await calls.allow(user, { token_endpoint_auth_method: 'private_key_jwt', jwks })
  const proof = async () => ({
    clientAssertionType: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    clientAssertion: await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'Ed25519', kid: 'a' })
      .setIssuer(CLIENT)
      .setSubject(CLIENT)
      .setAudience(ISSUER)
      .setExpirationTime('60 s')
      .sign(privateKey),
  })
  const started = await proof()
  expect(await refusalOf(calls.start(user))).toBe('UNAUTHENTICATED')
  const { deviceCode = '', userCode = '' } = await calls.start(user, started)
  expect(await refusalOf(calls.start(user, started))).toBe('ASSERTION_USED')
  const redeem = (members: object) =>
    world().token({ grantType: DEVICE_CODE, deviceCode, clientId: CLIENT, ...members })
  const asked = await proof()
  expect(await refusalOf(redeem(asked))).toBe('AUTHORIZATION_PENDING')
  await calls.answer(await calls.signIn(user), userCode)
  await calls.pass()
  expect(await refusalOf(redeem({}))).toBe('UNAUTHENTICATED')
  await calls.pass()
  expect(await refusalOf(redeem(asked))).toBe('ASSERTION_USED')
  await calls.pass()
  expect((await redeem(await proof())).tokenType).toBe('Bearer')
})
