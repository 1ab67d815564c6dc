import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { reasons } from '../../services/platform/errors/reasons.ts'
import { startServer } from '../support/server.ts'
import { readSql } from '../support/sql.ts'
import { type Collector, startCollector } from '../support/traces/collector.ts'
import { agentKeyCases } from './cases/agent-keys.ts'
import { agentMoveCases } from './cases/agent-moves.ts'
import { attestationCases } from './cases/attestation.ts'
import { attestationPolicyCases } from './cases/attestation-policy.ts'
import { attestedTokenCases } from './cases/attested-tokens.ts'
import { authenticationCases } from './cases/authentication.ts'
import { authnCases } from './cases/authn.ts'
import { clientAssertionCases } from './cases/client-assertions.ts'
import { dpopCases } from './cases/dpop.ts'
import { envelopeCases } from './cases/envelope.ts'
import { exchangeCases } from './cases/exchanges.ts'
import { federationAdminCases, federationCases } from './cases/federation.ts'
import { fieldCases } from './cases/fields.ts'
import { grantCases } from './cases/grants.ts'
import { idJagCases } from './cases/id-jags.ts'
import { identityCases } from './cases/identity.ts'
import { issuerCases } from './cases/issuers.ts'
import { keysCases } from './cases/keys.ts'
import { oauthCases } from './cases/oauth.ts'
import { operatorKeyCases } from './cases/operator-keys.ts'
import { operatorRegistryCases } from './cases/operator-registry.ts'
import { revocationCases } from './cases/revocation.ts'
import { signalCases } from './cases/signals.ts'
import { statusListCases } from './cases/status-lists.ts'
import { tenantCases } from './cases/tenants.ts'
import { trustCases } from './cases/trust.ts'
import { methods, restForm } from './support/contract.ts'
import { type RefusalCase, sendCase, transportsOf } from './support/refusal.ts'
import { startTap, type Tap } from './support/tap.ts'
import { startWorld, type World } from './support/world.ts'

/** Every case that a usual world can send. */
const CASES: readonly RefusalCase[] = [
  ...operatorRegistryCases,
  ...operatorKeyCases,
  ...identityCases,
  ...attestationCases,
  ...agentKeyCases,
  ...agentMoveCases,
  ...authnCases,
  ...attestedTokenCases,
  ...grantCases,
  ...revocationCases,
  ...keysCases,
  ...issuerCases,
  ...trustCases,
  ...federationCases,
  ...federationAdminCases,
  ...statusListCases,
  ...attestationPolicyCases,
  ...signalCases,
  ...authenticationCases,
  ...tenantCases,
  ...clientAssertionCases,
  ...oauthCases,
  ...exchangeCases,
  ...idJagCases,
  ...dpopCases,
  ...fieldCases,
  ...envelopeCases,
]

/** This many successive characters that a caller sent or got are a leak. */
const TELLING = 24
const WORD = /[\w+/=~-]{24,}/g
/** What a span may name although callers send it too: methods and routes of the contract, and reasons. */
const NAMES = [
  ...methods.map(({ parent, name }) => `${parent.typeName}/${name}`),
  ...methods.map((method) => restForm(method).template),
  ...Object.keys(reasons),
].join('\n')

let collector: Collector
let taps: readonly Tap[]
let world: World

beforeAll(async () => {
  collector = await startCollector()
  world = await startWorld({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'always_on' },
    async start(env) {
      const server = await startServer(env)
      const [http, grpc] = await Promise.all([startTap(new URL(server.baseUrl).host), startTap(server.grpcAddress)])
      taps = [http, grpc]
      return { baseUrl: `http://${http.address}`, grpcAddress: grpc.address, stop: () => server.stop() }
    },
  })
})
afterAll(async () => {
  await world?.stop()
  await Promise.all(taps?.map((tap) => tap.close()) ?? [])
  await collector?.close()
})

it('1. every request of the contract is sent: those that succeed and those that are refused', async () => {
  for (const refusal of CASES) {
    const request = await refusal.request(world)
    // Which reason it gets is tested elsewhere; here, one world gets the cases of all.
    for (const transport of transportsOf(refusal))
      await sendCase(world, refusal, transport, { request, requestId: randomUUID() }).catch(() => undefined)
  }
  expect(CASES.length).toBeGreaterThan(1_000)
})

it('2. the spans of all these calls are exported', async () => {
  const names = new Set(
    methods.filter(({ methodKind }) => methodKind === 'unary').map(({ parent, name }) => `${parent.typeName}/${name}`),
  )
  await world.server.stop()
  const traced = new Set(collector.spans.map(({ attributes }) => attributes['rpc.method']))
  expect([...names].filter((name) => !traced.has(name))).toEqual([])
  expect(collector.spans.filter(({ name }) => name === 'redeem').length).toBeGreaterThan(0)
  expect(collector.spans.filter(({ attributes }) => attributes['error.type'] !== undefined).length).toBeGreaterThan(500)
})

it('3. the exported bytes have nothing that a caller has sent or got', () => {
  const passed = taps.map(({ bytes }) => bytes.toString('latin1')).join('\n')
  const pieces = new Set([...passed.matchAll(WORD)].map(([word]) => word.slice(0, TELLING)))
  expect(pieces.size).toBeGreaterThan(5_000)
  const exported = [...new Set(collector.bytes.toString('latin1').match(WORD))].join('\n')
  expect([...pieces].filter((piece) => exported.includes(piece) && !NAMES.includes(piece))).toEqual([])
})

it('4. the exported bytes have no e-mail address, and no secret of the deployment', async () => {
  const exported = collector.bytes.toString('latin1')
  expect(JSON.stringify(collector.spans)).not.toContain('@')
  const [row] = await readSql(world.databaseUrl, 'SELECT bus_key, attestation_key FROM deployment')
  const secrets = [row?.['bus_key'], row?.['attestation_key'], Buffer.alloc(32, 7)].flatMap((key) => {
    const bytes = Buffer.from(key as Uint8Array)
    return (['latin1', 'hex', 'base64', 'base64url'] as const).map((each) => bytes.toString(each))
  })
  expect(secrets.filter((secret) => exported.includes(secret))).toEqual([])
  expect(exported).not.toContain(new URL(world.databaseUrl).password || 'no password')
})
