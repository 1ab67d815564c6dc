import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { alpha } from '../../../test/support/federation/foreign-world.ts'
import { until } from '../../../test/support/until.ts'
import { createForeignLogs } from './foreign-logs.ts'

/** A stream of the log of another deployment, which is empty. It stays open until the follower ends it. */
async function* emptyLog(signal: AbortSignal | undefined) {
  const position = { log_epoch: 1, sequence: 0, hash: Buffer.alloc(32).toString('base64') }
  const data = JSON.stringify({ position, observed_at: new Date().toISOString() })
  yield Buffer.from(`event: head\ndata: ${data}\n\n`)
  if (signal?.aborted === false) await once(signal, 'abort')
}

it('asOf returns whole milliseconds, because a Timestamp has no fraction of them', async () => {
  const logs = createForeignLogs({
    outbound: { stream: (_url, { signal }) => emptyLog(signal) },
    authorize: async () => 'Bearer x',
    skewMs: 10_000,
    log: silentLog,
    onEdge: () => undefined,
    onKey: () => undefined,
    renewKeys: async () => undefined,
  })
  onTestFinished(() => logs.close())
  expect(logs.asOf(alpha.issuer)).toBeUndefined()
  logs.follow(new Map([[alpha.issuer, alpha]]))
  const at = await until(
    async () => logs.asOf(alpha.issuer),
    (time) => time !== undefined,
  )
  expect(Number.isInteger(at)).toBe(true)
  logs.follow(new Map())
  expect(logs.asOf(alpha.issuer)).toBeUndefined()
})
