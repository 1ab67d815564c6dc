import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { RegisterClientRequestSchema } from '../../../gen/proto/auth4agent/v1/client_registration_pb.ts'
import { anonymous } from '../../../test/support/identity.ts'
import { REGISTRATION_KEY } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import type { ClientDocuments } from './documents.ts'
import { openClientId, sealClientId } from './domain/registered-client.ts'
import { registrationRoutes } from './registration-routes.ts'
import { withRegistered } from './registrations.ts'

const ON = { openRegistration: true, registrationKey: REGISTRATION_KEY }
const OFF = { ...ON, openRegistration: false }
const CALLBACK = 'http://127.0.0.1:3118/callback'
/** What a client may ask for too, and does not get. */
const MORE = {
  scope: 'a',
  grant_types: ['authorization_code', 'client_credentials'],
  response_types: ['code', 'token'],
}
const URL_CLIENT = 'https://client.example/client.json'

const register = async (metadata: object, deps = ON) =>
  registrationRoutes(deps).registerClient(
    create(RegisterClientRequestSchema, { metadata: Buffer.from(JSON.stringify(metadata)) }),
    anonymous(),
  )

describe('registerClient', () => {
  it('tells what is registered, with the redirect URIs as they were sent', async () => {
    const answer = await register({ redirect_uris: [CALLBACK], client_name: 'Example', ...MORE })
    expect(answer).toEqual({
      clientId: expect.stringMatching(/^reg_/),
      clientName: 'Example',
      redirectUris: [CALLBACK],
      tokenEndpointAuthMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      responseTypes: ['code'],
    })
    const redirectUris = ['http://127.0.0.1/callback']
    expect(openClientId(REGISTRATION_KEY, answer.clientId ?? '')).toEqual({ name: 'Example', redirectUris })
  })

  it('refuses metadata whose client id would be too long', async () => {
    const redirect_uris = Array.from({ length: 16 }, (_, n) => `https://client.example/${n}/${'p'.repeat(20)}`)
    expect(await refusalOf(register({ redirect_uris }))).toBe('INVALID_CLIENT_METADATA')
  })

  it('is not there while registration is off, whatever is sent', async () => {
    for (const metadata of [{ redirect_uris: [CALLBACK] }, {}]) {
      expect(await refusalOf(register(metadata, OFF))).toBe('ROUTE_NOT_FOUND')
    }
  })
})

describe('withRegistered', () => {
  const asked: string[] = []
  const ask = async (clientId: string) => {
    asked.push(clientId)
    throw new Error('asked')
  }
  const nobody: ClientDocuments = { find: ask, fetch: ask, known: () => undefined }
  const id = sealClientId(REGISTRATION_KEY, { name: 'Example', redirectUris: [CALLBACK] })

  it.each(['find', 'fetch'] as const)('%s reads a registered client from its id, and asks nobody', async (name) => {
    expect(await withRegistered(nobody, ON)[name](id, 'source')).toEqual({
      clientId: id,
      name: 'Example',
      redirectUris: ['http://127.0.0.1/callback'],
      isOnDevices: false,
      authMethod: 'none',
      keys: undefined,
      digest: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(asked).toEqual([])
  })

  it.each(['find', 'fetch'] as const)(
    '%s refuses a client id that was not given out, and asks nobody',
    async (name) => {
      const forged = `reg_${'A'.repeat(100)}`
      expect(await refusalOf(withRegistered(nobody, ON)[name](forged, 'source'))).toBe('CLIENT_NOT_ACCEPTED')
      expect(asked).toEqual([])
    },
  )

  it.each(['find', 'fetch'] as const)('%s refuses every registered client while registration is off', async (name) => {
    expect(await refusalOf(withRegistered(nobody, OFF)[name](id, 'source'))).toBe('CLIENT_NOT_ACCEPTED')
  })

  it.each(['find', 'fetch'] as const)('%s asks for the documents of URL clients as before', async (name) => {
    asked.length = 0
    await expect(withRegistered(nobody, ON)[name](URL_CLIENT, 'source')).rejects.toThrow('asked')
    expect(asked).toEqual([URL_CLIENT])
  })
})
