import { expect, it } from 'vitest'
import { fakeClock } from '../../../test/support/sdk/clock.ts'
import { openServer } from './server.ts'

/** Opens a server whose clock is a day ahead of this machine's. */
function dayAhead() {
  const clock = fakeClock()
  const fetch = async () => Response.json({}, { headers: { date: new Date(clock.wallMs() + DAY_MS).toUTCString() } })
  return { clock, server: openServer({ server: 'https://auth.example', fetch }, clock) }
}

const DAY_MS = 86_400_000
/** A Date header has no fractions of a second. */
const ROUNDING_MS = 1_000

it('Server.nowMs is the time of this machine before the first answer to POST', async () => {
  const { clock, server } = dayAhead()
  await server.transport({ method: 'GET', path: '/' })
  expect(server.nowMs()).toBe(clock.wallMs())
})

it("Server.nowMs is the server's time after an answer to POST", async () => {
  const { clock, server } = dayAhead()
  await server.transport({ method: 'POST', path: '/' })
  clock.advance(60_000)
  expect(Math.abs(server.nowMs() - clock.wallMs() - DAY_MS)).toBeLessThan(ROUNDING_MS)
})

it.each([
  ['slept', ({ clock }: ReturnType<typeof dayAhead>) => clock.sleep(60_000)],
  ['set its clock back', ({ clock }: ReturnType<typeof dayAhead>) => clock.setBack(60_000)],
])('Server.nowMs is the time of this machine after it %s, until the next answer', async (_name, happen) => {
  const world = dayAhead()
  const { clock, server } = world
  await server.transport({ method: 'POST', path: '/' })
  happen(world)
  expect(server.nowMs()).toBe(clock.wallMs())
  await server.transport({ method: 'POST', path: '/' })
  expect(Math.abs(server.nowMs() - clock.wallMs() - DAY_MS)).toBeLessThan(ROUNDING_MS)
})
