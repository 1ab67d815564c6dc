import { afterAll, expect, it, vi } from 'vitest'
import { chainFixture } from '../../test/support/chain.ts'
import { testDatabase } from '../../test/support/database.ts'

const { db, drop } = await testDatabase()
afterAll(drop)

const clockProblem = () => "The server's clock is 320 s behind the database's"
const refusal = { reason: 'UNAVAILABLE', message: clockProblem(), retryAfter: 1 }

it('the chain refuses every call with UNAVAILABLE, without reading it, while the clock is wrong', async () => {
  const handler = vi.fn(async () => ({ agentDid: 'done' }))
  const { send } = chainFixture(db, {
    handler,
    policy: { callers: ['anyone'], own: 'none' },
    deps: { clockProblem },
  })
  const read = vi.fn()
  await expect(send(read)).rejects.toMatchObject(refusal)
  expect(read).not.toHaveBeenCalled()
  expect(handler).not.toHaveBeenCalled()
})

it('the chain refuses every stream with UNAVAILABLE while the clock is wrong', async () => {
  const streamHandler = vi.fn()
  const { watch } = chainFixture(db, { streamHandler, deps: { clockProblem } })
  await expect(watch().next()).rejects.toMatchObject(refusal)
  expect(streamHandler).not.toHaveBeenCalled()
})
