import { randomUUID } from 'node:crypto'
import { afterEach, expect, it, vi } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { useIssuers } from '../../../../test/support/issuers.ts'
import { newKeys } from '../../../../test/support/parties.ts'
import { knowledgeOf } from '../../../../test/support/trust/knowledge.ts'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import { readPublished } from './read-published.ts'

const { db, now, add } = useIssuers()

afterEach(() => {
  vi.useRealTimers()
})

/** Admits issuers and reads from them once. `answer` makes each page. Returns the problems that were stored. */
async function readFrom(issuers: readonly string[], answer: (url: string) => Promise<object>) {
  const secret = JSON.stringify(newKeys().privateKey.export({ format: 'jwk' }))
  for (const issuer of issuers) await add({ issuer, revocationMode: 'log', actsAs: randomUUID(), secret })
  const knowledge = knowledgeOf(db().pool)
  await knowledge.refresh()
  const get: Outbound['get'] = async (url) => {
    const body = Buffer.from(JSON.stringify(await answer(url)))
    return { mediaType: 'application/json', maxAgeS: undefined, date: undefined, body }
  }
  const own = {
    issuer: 'https://auth.alpha.net',
    authorize: async () => 'Bearer x',
    log: silentLog,
    settings: { skewS: 10 },
  }
  await readPublished({ ...own, db: db(), now, knowledge, outbound: { get } })
  const rows = await db().prisma.issuer.findMany({ select: { statementsProblem: true } })
  return rows.map(({ statementsProblem }) => statementsProblem)
}

const page = (statement: string) => ({ statements: [{ statement, signer_epoch: 1 }], next: 'more' })

it('reads from all issuers together, so that none waits for another', async () => {
  const both = Promise.withResolvers<void>()
  const asked = new Set<string>()
  const problems = await readFrom(['https://beta.io', 'https://gamma.io'], async (url) => {
    if (asked.add(new URL(url).host).size === 2) both.resolve()
    await both.promise
    return { statements: [] }
  })
  expect(problems).toEqual(['', ''])
})

it('gives up an issuer whose pages together take too long', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  let pages = 0
  const problems = await readFrom(['https://beta.io'], async () => {
    pages += 1
    vi.setSystemTime(Date.now() + 3_000)
    return page('x')
  })
  expect(problems).toEqual(['TIMEOUT'])
  expect(pages).toBe(4)
})

it('keeps no text that is too long for a statement while it asks for the next page', async () => {
  let pages = 0
  const problems = await readFrom(['https://beta.io'], async () => {
    pages += 1
    return page('x'.repeat(8_193))
  })
  expect(problems).toEqual(['MALFORMED'])
  expect(pages).toBe(1)
})
