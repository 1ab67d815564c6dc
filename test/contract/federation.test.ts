import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FederationAdminService } from '../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { ISSUER } from '../support/deployment.ts'
import { authenticationCases } from './cases/authentication.ts'
import { federationAdminCases, federationCases, fullFederationCases } from './cases/federation.ts'
import { tenantCases } from './cases/tenants.ts'
import { sendHttp } from './support/http.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import { seedAnchor } from './support/seed-issuers.ts'

const world = useWorld()
const isOurs = ({ method }: { method: { parent: unknown } }) => method.parent === FederationAdminService

describe('rules of FederationService', () => runCases(world, federationCases))
describe('rules of FederationAdminService', () => runCases(world, federationAdminCases))
describe('assertions to FederationAdminService', () => runCases(world, authenticationCases.filter(isOurs)))
describe('which callers may call FederationAdminService', () => runCases(world, tenantCases.filter(isOurs)))

describe('a deployment with 16 anchors and 1000 subordinates', () => {
  beforeAll(async () => {
    const { db } = world()
    for (let count = await db.prisma.trustAnchor.count(); count < 16; count += 1) await seedAnchor(db)
    await db.pool.query(
      `INSERT INTO subordinates (entity_id, jwks)
       SELECT 'https://full-' || n || '.com', '{}' FROM generate_series((SELECT count(*) FROM subordinates) + 1, 1000) n`,
    )
  })
  afterAll(() => world().db.pool.query("DELETE FROM subordinates WHERE jwks = '{}'"))
  runCases(world, fullFederationCases)
})

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
    ['/federation/signed-jwks', 'application/jwk-set+jwt'],
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
