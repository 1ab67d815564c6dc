import type { RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { publishedKey } from '../../../../test/support/issuer-keys.ts'
import { useIssuers } from '../../../../test/support/issuers.ts'
import { noChain } from '../../../../test/support/no-foreign.ts'
import { openOutbound, startOutside } from '../../../../test/support/outside-server.ts'
import { createKeyFetcher } from './fetch-keys.ts'

const { db, clock, now, add } = useIssuers()

/** Admits a server that answers like this, and fetches its keys. */
async function fetchFrom(answer: RequestListener) {
  const { port } = await startOutside(answer)
  const issuer = `http://localhost:${port}`
  await add({ issuer })
  clock.ms = Date.now()
  await createKeyFetcher({
    prisma: db().prisma,
    outbound: openOutbound().outbound,
    currentChain: noChain,
    now,
    log: silentLog,
  }).run()
  return db().prisma.issuer.findFirstOrThrow({ where: { issuer }, include: { keys: true } })
}

describe('a fetch over HTTP', () => {
  it('stores the keys of a server that names itself', async () => {
    const key = publishedKey()
    const row = await fetchFrom((request, response) => {
      const isKeys = request.url === '/.well-known/jwks.json'
      const answer = isKeys ? { keys: [key] } : { issuer: `http://${request.headers.host}` }
      const headers = { 'content-type': isKeys ? 'application/jwk-set+json' : 'application/json' }
      response.writeHead(200, { ...headers, 'cache-control': 'max-age=100' }).end(JSON.stringify(answer))
    })
    expect(row).toMatchObject({ keysProblem: '', keys: [{ kid: key.kid }] })
    expect(row.keysDate).not.toBeNull()
  })

  // Rows 14 and 15 of the attacks.
  it.each<[string, string, RequestListener]>([
    ['a redirect', 'STATUS', (_, response) => response.writeHead(302, { location: 'http://localhost:1/' }).end()],
    ['another media type', 'MEDIA_TYPE', (_, response) => response.writeHead(200).end('{}')],
    [
      'a compressed body',
      'ENCODING',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('x'),
    ],
    [
      'a body without end',
      'TOO_LARGE',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(300_000)),
    ],
  ])('refuses %s', async (_, why, answer) => {
    expect((await fetchFrom(answer)).keysProblem).toBe(why)
  })
})
