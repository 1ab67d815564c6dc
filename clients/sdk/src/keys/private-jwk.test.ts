import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { importJWK, jwtVerify, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { describe, expect, it } from 'vitest'
import { parsePrivateKey } from '../node/index.ts'
import { exportPrivateJwk } from './private-jwk.ts'
import { generateKey, signerFromSeed } from './signers.ts'

const ISSUER = 'https://auth.example'
const CLIENT = `did:agent:acme.example:${'a'.repeat(32)}`
const key = await generateKey()
const jwk = { ...exportPrivateJwk(key) }
const publicJwk = { kty: jwk.kty, crv: jwk.crv, x: jwk.x }

/** Verifies a client assertion in the parameters of a request. Returns the alg of its header. */
async function algOf(parameters: URLSearchParams): Promise<string> {
  expect(parameters.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  const assertion = parameters.get('client_assertion') ?? ''
  const expected = { issuer: CLIENT, subject: CLIENT, audience: ISSUER }
  return (await jwtVerify(assertion, await importJWK(publicJwk, 'EdDSA'), expected)).protectedHeader.alg
}

describe('exportPrivateJwk', () => {
  it('returns the key of RFC 8037 appendix A.1, with the kid of appendix A.3', async () => {
    const d = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A'
    const signer = await signerFromSeed(Buffer.from(d, 'base64url'))
    expect(exportPrivateJwk(signer)).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      d,
    })
  })

  it('returns the same JWK for a key from a key file', () => {
    const text = Buffer.concat([key.exportSeed(), key.publicKey]).toString('base64')
    const read = parsePrivateKey(text)
    expect(read.ok && exportPrivateJwk(read.signer)).toEqual(jwk)
  })

  it.each(['EdDSA', 'Ed25519'])('makes a JWK that jose imports as %s', async (alg) => {
    const signed = await new SignJWT({}).setProtectedHeader({ alg }).sign(await importJWK(jwk, alg))
    await expect(jwtVerify(signed, await importJWK(publicJwk, alg))).resolves.toMatchObject({
      protectedHeader: { alg },
    })
    await expect(importJWK(jwk)).resolves.toBeDefined()
  })

  it('makes a JWK with which the MCP SDK authenticates a client', async () => {
    const provider = new PrivateKeyJwtProvider({
      clientId: CLIENT,
      privateKey: jwk,
      algorithm: 'EdDSA',
      expectedIssuer: ISSUER,
    })
    const parameters = new URLSearchParams()
    const metadata = {
      issuer: ISSUER,
      authorization_endpoint: ISSUER,
      token_endpoint: ISSUER,
      response_types_supported: [],
    }
    await provider.addClientAuthentication(new Headers(), parameters, `${ISSUER}/oauth/token`, metadata)
    expect(await algOf(parameters)).toBe('EdDSA')
  })

  it.each([
    ['oauth4webapi', oauth.PrivateKeyJwt],
    ['openid-client', openid.PrivateKeyJwt],
  ])('makes a JWK with which %s authenticates a client', async (_name, authentication) => {
    const imported = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign'])
    const parameters = new URLSearchParams()
    const server = { issuer: ISSUER }
    const authenticate: oauth.ClientAuth = authentication({ key: imported, kid: jwk.kid })
    await authenticate(server, { client_id: CLIENT }, parameters, new Headers())
    expect(await algOf(parameters)).toBe('Ed25519')
  })
})
