import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { publishedKey } from '../../../../test/support/issuer-keys.ts'
import { fakeOutbound, useIssuers } from '../../../../test/support/issuers.ts'
import { noChain } from '../../../../test/support/no-foreign.ts'
import { createKeyFetcher } from './fetch-keys.ts'

const BETA = 'https://beta.io'
const DISCOVERY = `${BETA}/.well-known/auth4agent`
const JWKS = `${BETA}/.well-known/jwks.json`
const { db, clock, now, add } = useIssuers()

function start() {
  const outbound = fakeOutbound()
  return {
    outbound,
    fetcher: createKeyFetcher({ prisma: db().prisma, outbound, currentChain: noChain, now, log: silentLog }),
  }
}

describe('renew', () => {
  it('fetches unless the keys are young enough', async () => {
    const { outbound, fetcher } = start()
    outbound.answers.set(DISCOVERY, { json: { issuer: BETA } }).set(JWKS, { json: { keys: [publishedKey()] } })
    const { id } = await add({ issuer: BETA })
    await fetcher.renew(id, 1000)
    await fetcher.renew(id, 1000)
    expect(outbound.asked).toEqual([DISCOVERY, JWKS])
    clock.ms += 1000
    await fetcher.renew(id, 1000)
    expect(outbound.asked).toHaveLength(4)
  })

  it('rejects if the keys cannot be fetched', async () => {
    const { fetcher } = start()
    const { id } = await add({ issuer: BETA })
    await expect(fetcher.renew(id, 1000)).rejects.toMatchObject({ why: 'UNREACHABLE' })
  })
})
