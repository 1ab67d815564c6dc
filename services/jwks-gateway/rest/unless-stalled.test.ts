import { expect, it } from 'vitest'
import { unlessStalled } from './unless-stalled.ts'

/**
 * Sends small messages over a connection that does, or does not, take their bytes, until the response is destroyed.
 */
async function sendSmall(takes: boolean): Promise<number> {
  const state = { isDestroyed: false }
  const socket = { bytesWritten: 0 }
  const destroy = () => {
    state.isDestroyed = true
    return undefined as never
  }
  const response = { writableLength: 0, socket, destroy }
  async function* messages() {
    while (!state.isDestroyed) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      yield 'small'
    }
  }
  let count = 0
  for await (const { length } of unlessStalled(messages(), 40, response)) {
    count += 1
    socket.bytesWritten += length
    response.writableLength = takes ? length : response.writableLength + length
    if (takes && count === 60) break
  }
  return state.isDestroyed ? 0 : count
}

it('unlessStalled destroys a response whose small messages nobody reads', async () => {
  expect(await sendSmall(false)).toBe(0)
})

it('unlessStalled keeps a response of which bytes go out', async () => {
  expect(await sendSmall(true)).toBe(60)
})
