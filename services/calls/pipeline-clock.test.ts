import { afterAll, expect, it, vi } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { pipelineFixture } from '../../test/support/pipeline.ts'

const { db, drop } = await testDatabase()
afterAll(drop)

const clockProblem = () => "The server's clock is 320 s behind the database's"
const refusal = { reason: 'UNAVAILABLE', message: clockProblem(), retryAfter: 1 }

it('the pipeline refuses every call with UNAVAILABLE, without reading it, while the clock is wrong', async () => {
  const handler = vi.fn(async () => ({ agentDid: 'done' }))
  const { send } = pipelineFixture(db, {
    handler,
    policy: { callers: ['anyone'], own: 'none' },
    deps: { clockProblem },
  })
  const read = vi.fn()
  await expect(send(read)).rejects.toMatchObject(refusal)
  expect(read).not.toHaveBeenCalled()
  expect(handler).not.toHaveBeenCalled()
})

it('the pipeline refuses every stream with UNAVAILABLE while the clock is wrong', async () => {
  const streamHandler = vi.fn()
  const { watch } = pipelineFixture(db, { streamHandler, deps: { clockProblem } })
  await expect(watch().next()).rejects.toMatchObject(refusal)
  expect(streamHandler).not.toHaveBeenCalled()
})
