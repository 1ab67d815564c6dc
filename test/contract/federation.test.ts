import { describe, expect, it } from 'vitest'
import { ISSUER } from '../support/deployment.ts'
import { federationCases } from './cases/federation.ts'
import { sendHttp } from './support/http.ts'
import { runCases, useWorld } from './support/run-cases.ts'

const world = useWorld()

describe('rules of FederationService', () => runCases(world, federationCases))

describe('a document of OpenID Federation', () => {
  const anchor = encodeURIComponent(`${ISSUER}/federation`)
  it.each([
    ['/.well-known/openid-federation', 'application/entity-statement+jwt'],
    ['/federation/.well-known/openid-federation', 'application/entity-statement+jwt'],
    [`/federation/fetch?sub=${encodeURIComponent(ISSUER)}`, 'application/entity-statement+jwt'],
    ['/federation/list', 'application/json'],
    [
      `/federation/resolve?sub=${encodeURIComponent(ISSUER)}&trust_anchor=${anchor}`,
      'application/resolve-response+jwt',
    ],
    ['/federation/historical-keys', 'application/jwk-set+jwt'],
  ])('has its media type, whatever the caller accepts: %s', async (path, type) => {
    for (const accept of ['*/*', type, 'application/json', 'text/html']) {
      const answer = await sendHttp(world().server.baseUrl, { verb: 'GET', path, headers: { accept } })
      expect([answer.status, answer.headers['content-type']]).toEqual([200, type])
    }
  })

  it('is refused with unsupported_parameter when the request has an unknown parameter', async () => {
    const path = '/federation/list?intermediate=true'
    const { status, headers, text } = await sendHttp(world().server.baseUrl, { verb: 'GET', path })
    expect([status, headers['content-type']]).toEqual([400, 'application/json'])
    expect(JSON.parse(text)).toMatchObject({ error: 'unsupported_parameter', reason: 'UNKNOWN_FIELD' })
  })
})
