import { operatorId } from '@auth4agent/core/identity/operator-id'
import { recordValue } from '@auth4agent/core/identity/proof-record'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type NameServer, startBind9 } from '../../../../test/support/bind9.ts'
import { silentLog } from '../../../../test/support/database.ts'
import { fakeOutbound, useIssuers } from '../../../../test/support/issuers.ts'
import { createTxtResolvers } from '../../../platform/dns/resolve-txt.ts'
import { createDomainProver } from './prove-domains.ts'

const BETA = 'https://beta.io/auth'
const RECORD = '_auth4agents'
const [RK, OTHER_RK] = ['k'.repeat(43), 'l'.repeat(43)]
const { db, clock, now, add, name, audit, records } = useIssuers()
const HOUR = 3_600_000
const RETRY = 300_000
let servers: NameServer[]

beforeAll(async () => {
  servers = await Promise.all([1, 2, 3].map(() => startBind9('cargo.io')))
})
afterAll(() => Promise.all(servers.map((server) => server.stop())))

const idOf = (thumbprint: string) => operatorId({ issuer: BETA, domain: 'cargo.io', thumbprint })
const recordOf = (thumbprint: string) => recordValue({ issuer: BETA, operatorId: idOf(thumbprint), thumbprint })
const rows = () => db().prisma.issuerDomain.findMany({ where: { domain: 'cargo.io' } })

/** Publishes the records of each name server; undefined leaves out the name. */
async function publish(...texts: readonly (readonly string[] | undefined)[]) {
  await Promise.all(
    servers.map((server, at) => {
      const own = texts[at]
      return server.publish(own === undefined ? {} : { [RECORD]: own })
    }),
  )
}
const everywhere = (texts: readonly string[] | undefined) => publish(texts, texts, texts)

async function passAfter(ms: number) {
  clock.ms += ms
  const resolveTxt = createTxtResolvers({ servers: servers.map(({ address }) => address), timeoutMs: 2_000 })
  const deps = { prisma: db().prisma, issuer: 'https://auth.alpha.net', outbound: fakeOutbound(), now, log: silentLog }
  await createDomainProver({ ...deps, resolveTxt, testDomains: false }).run()
}

async function admit() {
  await add({ issuer: BETA })
  await name({ home: BETA, domain: 'cargo.io', id: idOf(RK) })
}

async function prove() {
  await admit()
  await everywhere([recordOf(RK)])
  await passAfter(0)
  const [row] = await rows()
  return row ?? expect.fail('The domain must be proven')
}

it('proves a domain if two of three resolvers show its record, and one shows another operator', async () => {
  await admit()
  await publish([recordOf(RK)], [recordOf(OTHER_RK)], [recordOf(RK)])
  await passAfter(0)
  expect(await rows()).toMatchObject([{ operatorId: idOf(RK), thumbprint: RK }])
})

it.each([
  ['each resolver shows something else', [[recordOf(RK)], [recordOf(OTHER_RK)], undefined]],
  ['one resolver shows a record, and two show none', [[recordOf(RK)], undefined, undefined]],
  [
    'two resolvers show two records',
    [[recordOf(RK), recordOf(OTHER_RK)], [recordOf(RK), recordOf(OTHER_RK)], [recordOf(RK)]],
  ],
])('does not prove a domain if %s', async (_, texts) => {
  await admit()
  await publish(...texts)
  await passAfter(0)
  expect(await rows()).toEqual([])
})

it('keeps a domain if one of three resolvers names another operator', async () => {
  const { edgeId } = await prove()
  await publish([recordOf(OTHER_RK)], [recordOf(RK)], [recordOf(RK)])
  await passAfter(HOUR)
  expect(await rows()).toMatchObject([{ edgeId, operatorId: idOf(RK), failedProofs: 0 }])
})

it('ends a domain at once if its record has moved to another operator at two of three resolvers', async () => {
  const { edgeId } = await prove()
  await publish([recordOf(OTHER_RK)], [recordOf(OTHER_RK)], [recordOf(RK)])
  await passAfter(HOUR)
  expect(await rows()).toMatchObject([{ operatorId: idOf(OTHER_RK), thumbprint: OTHER_RK }])
  expect(await records()).toContain(`edge ${edgeId} 0`)
})

it('ends a domain whose name does not exist any more (NXDOMAIN), after three looks', async () => {
  const { edgeId } = await prove()
  await everywhere(undefined)
  for (const ms of [HOUR, RETRY]) await passAfter(ms)
  expect(await rows()).toMatchObject([{ edgeId, failedProofs: 2 }])
  await passAfter(RETRY)
  expect(await rows()).toEqual([])
  expect(await audit()).toContain(`issuer.end-domain ${BETA} cargo.io: last proof: not-found`)
})

it('proves a domain by an answer that is too long for UDP, and so comes over TCP', async () => {
  await admit()
  const others = Array.from({ length: 30 }, (_, n) => `${n} ${'x'.repeat(200)}`)
  await everywhere([...others, recordOf(RK)])
  await passAfter(0)
  expect(await rows()).toMatchObject([{ operatorId: idOf(RK) }])
})

it('keeps a domain while one of three resolvers is stopped, and ends it when two are', async () => {
  const { edgeId } = await prove()
  await servers[0]?.stop()
  await passAfter(HOUR)
  expect(await rows()).toMatchObject([{ edgeId, failedProofs: 0 }])
  await servers[1]?.stop()
  for (const ms of [HOUR, RETRY, RETRY]) await passAfter(ms)
  expect(await rows()).toEqual([])
  expect(await audit()).toContain(`issuer.end-domain ${BETA} cargo.io: last proof: unavailable`)
  servers = servers.slice(2)
})
