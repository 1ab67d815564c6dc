import { recordName, recordValue } from '@auth4agent/core/identity/proof-record'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type AdmittedIssuer,
  addIssuer,
  readIssuer,
  switchIssuer,
  untilIssuer,
} from '../../support/federation/admissions.ts'
import { state, takeBack } from '../../support/federation/statements.ts'
import { thumbprintOf } from '../../support/parties.ts'
import { headerOf, keysAdmin, publishedKids, rotated } from '../../support/signing-keys.ts'
import { readSql, runSql } from '../../support/sql.ts'
import { expectStatus } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import {
  acceptGuild,
  admitBy,
  ask,
  audienceOf,
  expectNow,
  grantsOf,
  makeDue,
  nameMember,
  newToken,
  settle,
  startWorld,
  type World,
} from './world.ts'

let world: World
let admitted: { readonly alpha: AdmittedIssuer; readonly gamma: AdmittedIssuer }
let accepted: string
let membership: string
/** A token of acme for cargo. */
let token: string

const recordOf = (issuer: string, operatorId: string): [string, [string]] => {
  const { acme } = world
  const record = recordValue({ issuer, operatorId, thumbprint: thumbprintOf(acme.keys) })
  return [recordName(acme.domain), [record]]
}
const acmeToken = (owner: 'cargo' | 'dock' = 'cargo') => newToken(world, 'acme', owner)

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.federation.stop())

it('1. B admits A and C and fetches their keys, although another issuer publishes the keys of A first', async () => {
  const copy = await addIssuer(world.beta, {
    issuer: 'https://copy.example.org',
    kind: 'oauth',
    algorithms: ['EdDSA'],
    jwks_uri: `${world.alpha.issuer}/.well-known/jwks.json`,
    revocation_mode: 'none',
    domain: 'copy.example.com',
  })
  await untilIssuer(world.beta, copy.id, ({ keys }) => keys.length > 0)
  admitted = { alpha: await admitBy(world, world.alpha), gamma: await admitBy(world, world.gamma) }
  const alpha = await untilIssuer(world.beta, admitted.alpha.id, ({ keys }) => keys.length > 0)
  expect(alpha.problem).toBeUndefined()
})

it('2. a statement of dock lets acme call dock, and cargo refuses acme', async () => {
  const { beta, dock, acme } = world
  const atDock = await acmeToken('dock')
  await expectNow(world, [atDock, 'dock'], 'SUBJECT_OUTSIDE_NAMESPACE')
  await state(dock, acme, { kind: 'lets-call', aud: [beta.issuer], grants: grantsOf('dock') })
  await settle(world, [atDock, 'dock'], 'valid')
  token = await acmeToken()
  await expectNow(world, [token, 'cargo'], 'TRUST_NOT_FOUND')
})

it('3. cargo accepts the members of guild, and guild names acme at C, so acme may call cargo', async () => {
  accepted = await acceptGuild(world)
  membership = await nameMember(world)
  await settle(world, [token, 'cargo'], 'valid')
  const [client] = world.witnesses
  if (client === undefined) throw new Error('B must have a process that verifies')
  expect(await ask(world, client, token, 'cargo')).toMatchObject({
    claims: { iss: world.alpha.issuer, sub: world.agents.acme.did, scope: 'read' },
    trust: { issuer: world.alpha.issuer, effective_scope: 'orders:read', audience: audienceOf('cargo') },
  })
  // Without `issuers`, B looks for the key among its own, as before.
  expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
})

it('4. bolt may call neither cargo nor, through acme, dock, because lets-call never chains', async () => {
  const { beta, acme, bolt, yard } = world
  const jti = await state(acme, bolt, {
    kind: 'lets-call',
    aud: [beta.issuer],
    grants: [{ audience: 'https://api.acme.example.com', scopes: { read: ['read'] } }],
  })
  await state(yard, bolt, { kind: 'lets-call', aud: [beta.issuer], grants: grantsOf('yard') })
  await makeDue(world)
  const query = `SELECT 1 FROM trust_statements WHERE jti = '${jti}'`
  await until(
    () => readSql(beta.databaseUrl, query),
    (rows) => rows.length === 1,
  )
  await settle(world, [await newToken(world, 'bolt', 'yard'), 'yard'], 'valid')
  await expectNow(world, [await newToken(world, 'bolt', 'dock'), 'dock'], 'TRUST_NOT_FOUND')
  await expectNow(world, [await newToken(world, 'bolt', 'cargo'), 'cargo'], 'TRUST_NOT_FOUND')
})

it('5. when guild ends the membership at C, B refuses acme at cargo, until guild names it again', async () => {
  await takeBack(world.guild, membership)
  await settle(world, [token, 'cargo'], 'TRUST_ENDED', 'TRUST_NOT_FOUND')
  membership = await nameMember(world)
  await settle(world, [token, 'cargo'], 'valid')
})

it('6. a token that A revokes, and the tokens of an agent that A suspends, are refused at B', async () => {
  const { alpha, acme, agents } = world
  const revoked = await acmeToken()
  await expectNow(world, [revoked, 'cargo'], 'valid')
  expectStatus(200, await alpha.client.revokeToken(revoked))
  await settle(world, [revoked, 'cargo'], 'TOKEN_REVOKED')
  await expectNow(world, [token, 'cargo'], 'valid')
  expectStatus(200, await alpha.client.suspendAgent(acme.id, agents.acme.did, acme))
  await settle(world, [token, 'cargo'], 'AGENT_TOKENS_ENDED')
  expectStatus(200, await alpha.client.reactivateAgent(acme.id, agents.acme.did, acme))
  token = await acmeToken()
  await expectNow(world, [token, 'cargo'], 'valid')
})

it('7. when cargo has revoked its statement, no instance of B accepts acme at cargo', async () => {
  await takeBack(world.cargo, accepted)
  await expectNow(world, [token, 'cargo'], 'TRUST_NOT_FOUND')
  accepted = await acceptGuild(world)
  await expectNow(world, [token, 'cargo'], 'valid')
})

it('8. when cargo has blocked acme, no instance of B accepts it, until cargo lifts the block', async () => {
  const { beta, cargo, acme } = world
  const block = await state(cargo, acme, { kind: 'blocks', aud: [beta.issuer] })
  await expectNow(world, [token, 'cargo'], 'TRUST_NOT_FOUND')
  await takeBack(cargo, block)
  await expectNow(world, [token, 'cargo'], 'valid')
})

it('9. when B has disabled A, no instance of B accepts its tokens, and enabling A revives none', async () => {
  const { beta } = world
  await switchIssuer(beta, admitted.alpha.id, 'disable')
  await expectNow(world, [token, 'cargo'], 'ISSUER_DISABLED')
  await switchIssuer(beta, admitted.alpha.id, 'enable')
  await until(
    async () =>
      settle(world, [(token = await acmeToken()), 'cargo'], 'valid', 'ISSUER_DISABLED', 'ISSUER_REVOCATIONS_STALE'),
    (all) => all.every((verdict) => verdict === 'valid'),
  )
})

it("10. when acme's record names another operator, its tokens are refused, until it names acme again", async () => {
  const { alpha, acme } = world
  alpha.zone.setTxt(...recordOf(alpha.issuer, '0190aaaa-0000-8000-8000-000000000001'))
  await makeDue(world)
  await settle(world, [token, 'cargo'], 'SUBJECT_OUTSIDE_NAMESPACE')
  alpha.zone.setTxt(...recordOf(alpha.issuer, acme.id))
  await makeDue(world)
  await settle(world, [token, 'cargo'], 'valid')
})

it("11. when acme's record has named another issuer three times, tokens of A are refused", async () => {
  const { alpha, acme, dock, beta } = world
  alpha.zone.setTxt(...recordOf('https://new.example.org', acme.id))
  await until(
    async () => {
      await makeDue(world)
      return settle(world, [token, 'cargo'], 'valid', 'SUBJECT_OUTSIDE_NAMESPACE')
    },
    (all) => all.every((verdict) => verdict === 'SUBJECT_OUTSIDE_NAMESPACE'),
  )
  alpha.zone.setTxt(...recordOf(alpha.issuer, acme.id))
  // The new statement lets B look at the record again.
  await state(dock, acme, { kind: 'lets-call', aud: [beta.issuer], grants: grantsOf('dock') })
  await settle(world, [token, 'cargo'], 'valid')
})

it('12. while C cannot be reached, paths through guild are stale, and direct statements count', async () => {
  const atDock = await acmeToken('dock')
  await expectNow(world, [atDock, 'dock'], 'valid')
  await world.gamma.front.cut()
  await settle(world, [token, 'cargo'], 'ISSUER_REVOCATIONS_STALE')
  await expectNow(world, [atDock, 'dock'], 'valid')
  await world.gamma.front.restore()
  await settle(world, [token, 'cargo'], 'valid')
})

it('13. B accepts tokens under a new key of A, and never again a key that A has withdrawn', async () => {
  const { alpha, beta } = world
  const old = await acmeToken()
  const { kid } = headerOf(old)
  const admin = keysAdmin(alpha.client, alpha.admin)
  rotated(
    await until(
      () => admin.rotate({ alg: 'EdDSA' }),
      ({ status }) => status === 200,
    ),
  )
  token = await acmeToken()
  expect(headerOf(token).kid).not.toBe(kid)
  await fetchUntil(({ keys }) => keys.some((key) => key.kid === headerOf(token).kid))
  await settle(world, [token, 'cargo'], 'valid')
  await expectNow(world, [old, 'cargo'], 'valid')

  const isNow = (state: string) => fetchUntil(({ keys }) => keys.some((key) => key.kid === kid && key.state === state))
  // No key of A comes back by itself, so the triggers that forbid it are switched off.
  const keyAt = (change: string) =>
    runSql(
      alpha.databaseUrl,
      `SET session_replication_role = replica; UPDATE jwks_keys SET ${change} WHERE kid = '${kid}'`,
    )
  await keyAt(`state = 'retired', retired_at = now(), wrapped_key = NULL, kek_id = NULL`)
  await isNow('absent')
  await settle(world, [old, 'cargo'], 'UNKNOWN_KEY')
  const longAgo = `UPDATE issuer_keys SET absent_since = now() - interval '2 minutes' WHERE kid = '${kid}'`
  await runSql(beta.databaseUrl, longAgo)
  await isNow('withdrawn')
  await keyAt(`state = 'retiring', retired_at = NULL, wrapped_key = '\\x00', kek_id = 'none'`)
  await until(
    () => publishedKids(alpha.client),
    (kids) => kids.includes(kid),
  )
  const before = await readIssuer(beta, admitted.alpha.id)
  await fetchUntil(({ keys_as_of: at }) => at !== before.keys_as_of)
  await expectNow(world, [old, 'cargo'], 'UNKNOWN_KEY')
  await expectNow(world, [token, 'cargo'], 'valid')
})

/** Makes everything due, and reads the row of A at B. */
async function afterAnotherFetch(): Promise<AdmittedIssuer> {
  await makeDue(world)
  return readIssuer(world.beta, admitted.alpha.id)
}

/** Lets B fetch from A again and again until the row of A at B is as awaited. */
function fetchUntil(isAwaited: (row: AdmittedIssuer) => boolean): Promise<AdmittedIssuer> {
  return until(afterAnotherFetch, isAwaited)
}
