import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { freePort } from '../../../../test/support/free-port.ts'
import { publishedKey } from '../../../../test/support/issuer-keys.ts'
import { useIssuers } from '../../../../test/support/issuers.ts'
import { startNginx } from '../../../../test/support/nginx.ts'
import { noChain } from '../../../../test/support/no-foreign.ts'
import { openOutbound } from '../../../../test/support/outside-server.ts'
import { newKeys } from '../../../../test/support/parties.ts'
import { knowledgeOf } from '../../../../test/support/trust/knowledge.ts'
import { readPublished } from '../../statements/published/read-published.ts'
import { readIssuers } from '../read-issuers.ts'
import { endKeys } from './end-keys.ts'
import { createKeyFetcher } from './fetch-keys.ts'

const { db, clock, now, add } = useIssuers()
const started = new AsyncDisposableStack()
let origin: string
/** The keys that the issuer itself publishes now. */
let published: readonly ReturnType<typeof publishedKey>[] = []
/** The path of a cache that is empty. */
let fresh = 0

beforeAll(async () => {
  const [port, ownPort] = [await freePort(), await freePort()]
  origin = `http://localhost:${port}`
  const folder = await mkdtemp(join(tmpdir(), 'a4a-behind-nginx-'))
  started.defer(() => rm(folder, { recursive: true }))
  // nginx gives up the rights of root before it reads files.
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'packed.gz'), gzipSync('{"keys":[]}'))
  await writeFile(join(folder, 'slow'), ' '.repeat(100_000))
  const own = createServer((request, response) => {
    const [, path = ''] = (request.url ?? '').split('/')
    const isDiscovery = request.url?.endsWith('/.well-known/auth4agent') === true
    const isList = request.url?.includes('/v1/trust/published') === true
    const keys = { keys: published }
    const answer = isDiscovery ? { issuer: `${origin}/${path}` } : isList ? { statements: [] } : keys
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  }).listen(ownPort, '127.0.0.1')
  started.defer(() => void own.close())
  const documents = String.raw`(\.well-known/jwks\.json|v1/trust/published)`
  started.defer(
    await startNginx(`
      proxy_cache_path ${folder}/cache keys_zone=all:1m use_temp_path=off;
      default_type application/json;
      server {
        listen 127.0.0.1:${port};
        proxy_set_header Host $http_host;
        location / { proxy_pass http://127.0.0.1:${ownPort}; }
        location ~ ^/moved/${documents} { return 302 ${origin}/plain/$1; }
        location ~ ^/packed/${documents} { gzip_static always; root ${folder}; rewrite .* /packed break; }
        location ~ ^/slow/${documents} { limit_rate 5k; root ${folder}; rewrite .* /slow break; }
        location ~ ^/page/${documents} { default_type text/html; return 200 '{"keys":[],"statements":[]}'; }
        location ~ ^/cache[0-9]/.well-known/jwks {
          proxy_pass http://127.0.0.1:${ownPort};
          proxy_cache all; proxy_cache_key $uri; proxy_cache_valid 200 1h;

        }
        location ~ ^/refresh/(.*) {
          proxy_pass http://127.0.0.1:${ownPort}/$1;
          proxy_cache all; proxy_cache_key /$1; proxy_cache_valid 200 1h; proxy_cache_bypass 1;
        }
      }`),
  )
})
afterAll(() => started.disposeAsync())
beforeEach(() => {
  // The header Date has the real time.
  clock.ms = Date.now()
  published = []
})

const admit = (path: string) => {
  const secret = JSON.stringify(newKeys().privateKey.export({ format: 'jwk' }))
  return add({ issuer: `${origin}/${path}`, revocationMode: 'log', actsAs: randomUUID(), secret })
}
const rowOf = (id: string) => db().prisma.issuer.findUniqueOrThrow({ where: { id }, include: { keys: true } })

/** Fetches the keys of an issuer that is due, and returns those that verify, and the problem. */
async function fetchKeys(id: string) {
  await db().prisma.issuer.update({ where: { id }, data: { keysDueAt: new Date(0) } })
  const { outbound } = openOutbound()
  await createKeyFetcher({ prisma: db().prisma, outbound, now, log: silentLog, currentChain: noChain }).run()
  const { issuer, keysProblem } = await rowOf(id)
  return { verifying: [...((await readIssuers(db().pool, issuer)).get(issuer)?.keys.keys() ?? [])], keysProblem }
}

/** Puts what the issuer publishes now into the cache. */
async function refresh(path: string) {
  await (await fetch(`${origin}/refresh/${path}/.well-known/jwks.json`)).text()
}

/** Lets the issuer replace a key, and fetches the new set once or twice, a minute apart. */
async function rotate(path: string, fetches: number) {
  const [old, next] = [publishedKey(), publishedKey()]
  const { id } = await admit(path)
  published = [old]
  expect((await fetchKeys(id)).verifying).toEqual([old.kid])
  published = [next]
  await refresh(path)
  for (let count = 0; count < fetches; count += 1) {
    clock.ms += 60_000
    expect((await fetchKeys(id)).verifying).toEqual([next.kid])
  }
  return { id, old, next }
}

async function readList(id: string) {
  const knowledge = knowledgeOf(db().pool)
  await knowledge.refresh()
  const { outbound } = openOutbound()
  await db().pool.query('UPDATE issuers SET statements_due_at = to_timestamp(0) WHERE id = $1', [id])
  await readPublished({
    db: db(),
    issuer: 'https://auth.alpha.net',
    now,
    knowledge,
    outbound,
    log: silentLog,
    authorize: async () => 'Bearer x',
    settings: { skewS: 10 },
  })
  const { statementsProblem, statementsAsOf } = await rowOf(id)
  return { problem: statementsProblem, isRead: statementsAsOf !== null }
}

const WRONG: readonly (readonly [path: string, what: string, why: string])[] = [
  ['moved', 'a redirect', 'STATUS'],
  ['packed', 'a body that is compressed although nobody asked for it', 'ENCODING'],
  ['page', 'a body of another media type', 'MEDIA_TYPE'],
  ['slow', 'a body that takes longer than ten seconds', 'TIMEOUT'],
]

describe('keys behind nginx', () => {
  it('are fetched', async () => {
    const key = publishedKey()
    published = [key]
    const { id } = await admit('plain')
    expect(await fetchKeys(id)).toEqual({ verifying: [key.kid], keysProblem: '' })
  })

  it.each(WRONG)('are not taken from %s: %s', async (path, _, why) => {
    const { id } = await admit(path)
    expect(await fetchKeys(id)).toEqual({ verifying: [], keysProblem: why })
  })

  it('do not return by a stale cache, once they were absent twice, although nginx dates its answer anew', async () => {
    const path = `cache${fresh++}`
    const { id, old, next } = await rotate(path, 2)
    published = [old]
    await refresh(path)
    published = [next]
    clock.ms += 60_000
    expect((await fetchKeys(id)).verifying).toEqual([])
    await refresh(path)
    clock.ms += 60_000
    expect((await fetchKeys(id)).verifying).toEqual([next.kid])
  })

  it('that the log of the issuer has ended do not return by a stale cache at all', async () => {
    const path = `cache${fresh++}`
    const old = publishedKey()
    const { id } = await admit(path)
    published = [old]
    expect((await fetchKeys(id)).verifying).toEqual([old.kid])
    await endKeys({ db: db(), now }, id, [old.kid])
    // The issuer has removed the key, but nginx goes on with the old set.
    published = [publishedKey()]
    clock.ms += 3_600_000
    expect(await fetchKeys(id)).toMatchObject({ verifying: [] })
  })
})

describe('trust statements behind nginx', () => {
  it('are read', async () => {
    const { id } = await admit('plain')
    expect(await readList(id)).toEqual({ problem: '', isRead: true })
  })

  it.each(WRONG)('are not read from %s: %s', async (path, _, why) => {
    const { id } = await admit(path)
    expect(await readList(id)).toEqual({ problem: why, isRead: false })
  })
})
