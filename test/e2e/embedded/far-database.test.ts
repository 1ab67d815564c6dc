import { randomBytes, randomUUID } from 'node:crypto'
import { expect, inject, it } from 'vitest'
import { beginServer } from '../../support/server.ts'
import { readSql, runSql, siblingUrl } from '../../support/sql.ts'
import { startTcpProxy, targetOf, urlThrough } from '../../support/tcp-proxy.ts'

/** The longest round trip to the other side of the world, in milliseconds. */
const ROUND_TRIP_MS = 200

it('a server sets an empty database up that is 200 ms of round trip away', { timeout: 300_000 }, async () => {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await runSql(inject('postgresUrl'), `CREATE DATABASE ${name}`)
  const url = siblingUrl(inject('postgresUrl'), name)
  const proxy = await startTcpProxy(targetOf(url))
  proxy.delay(ROUND_TRIP_MS / 2)
  const server = beginServer({
    DATABASE_URL: urlThrough(proxy, url),
    AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
  })
  try {
    const ended = server.ended.then((status) => Promise.reject(new Error(`${status}: ${server.logs()}`)))
    ended.catch(() => undefined)
    await Promise.race([server.listening, ended])
    expect(await readSql(url, `SELECT count(*)::int AS keys FROM jwks_keys WHERE state = 'active'`)).toEqual([
      { keys: 8 },
    ])
    expect(await readSql(url, 'SELECT count(*)::int AS keys FROM challenge_keys')).toEqual([{ keys: 2 }])
  } finally {
    server.signal('SIGTERM')
    await server.ended
    await proxy.close()
    await runSql(inject('postgresUrl'), `DROP DATABASE ${name} WITH (FORCE)`)
  }
})
