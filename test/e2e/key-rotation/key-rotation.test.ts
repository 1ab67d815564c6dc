import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ALGORITHMS, type KeysAdmin, rotated } from '../../support/signing-keys.ts'
import { until } from '../../support/until.ts'
import { startJose } from './jose-verifier.ts'
import type { IssuedToken } from './load.ts'
import { setStage } from './stage.ts'
import { expectNoGapUnderLoad, type Story } from './under-load.ts'

/** How often the test rotates the default key. Set the variable `KEY_ROTATIONS` for a long run. */
const ROTATIONS = Number(process.env['KEY_ROTATIONS'] ?? 20)
const BY_SCHEDULE = ALGORITHMS.filter((alg) => alg !== 'EdDSA')
const EVERY_5_S = { AUTH4AGENT_KEY_ROTATION_INTERVAL: '5s' }
const WRONG_CLOCKS = {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, '../../fault/support/skewed-clock.ts')}`,
  SKEWED_CLOCK_RATE: '1.04',
  SKEWED_CLOCK_JUMP_MS: '900',
}
/** Two jumps of a clock add up to at most 1.8 s, so both servers must allow 2 s. */
const SKEW = { AUTH4AGENT_CLOCK_SKEW: '2s' }
/**
 * How many seconds of jose's clock pass in one second. The server lets caches keep a key set for 1 s, which is 60 s of
 * jose's clock: twice jose's cooldown of 30 s. In production it is ten times the cooldown, so jose has more time to
 * learn of a key before its first token.
 */
const JOSE_RATE = 60
/** jose fetches the JWKS when its copy is ten minutes old. */
const JOSE_MAX_AGE_S = 600 / JOSE_RATE

it.concurrent(`two servers rotate a key ${ROTATIONS} times under load, and jose with its own cache verifies every token`, async () => {
  await using started = new AsyncDisposableStack()
  const stage = await setStage(started, EVERY_5_S)
  const jose = startJose({ url: `${stage.servers[1].baseUrl}/.well-known/jwks.json`, rate: JOSE_RATE })
  started.defer(() => jose.stop())
  const byHand = new Set<string>()
  const act = async (tokens: readonly IssuedToken[]) => {
    for (let turn = 0; turn < ROTATIONS; turn += 1) {
      byHand.add(await rotateDefault(stage.admins[turn % 2 === 0 ? 0 : 1]))
      const rotatedAt = performance.now()
      await until(
        async () => tokens.some(({ alg, begunAt }) => alg === 'EdDSA' && begunAt > rotatedAt),
        (hasSigned) => hasSigned,
      )
    }
    await untilRotatedBySchedule(tokens, 3)
  }
  const story = await expectNoGapUnderLoad(stage, act, [jose])
  report('with right clocks', story, `; jose fetched ${jose.fetches} key sets`)
  expect(byHand.size).toBe(ROTATIONS)
  // Each fetch finds two keys that have not signed yet, so it covers two rotations and lasts for the copy's own age.
  expect(jose.fetches).toBeGreaterThan(story.tookS / JOSE_MAX_AGE_S - 1)
  expect(jose.fetches).toBeLessThanOrEqual(story.rotations('EdDSA') + story.tookS / JOSE_MAX_AGE_S + 1)
})

it.concurrent('two servers rotate under load and no token is refused, although the clocks of one run fast and jump', async () => {
  await using started = new AsyncDisposableStack()
  const stage = await setStage(started, { ...EVERY_5_S, ...SKEW }, () => WRONG_CLOCKS)
  const story = await expectNoGapUnderLoad(stage, (tokens) => untilRotatedBySchedule(tokens, 2))
  report('with wrong clocks', story)
})

/** Rotates the default key as soon as another one is ready. Returns the `kid` of the key that stopped signing. */
async function rotateDefault(admin: KeysAdmin): Promise<string> {
  const answer = await until(
    () => admin.rotate({ alg: 'EdDSA' }),
    // The schedules of both servers rotate keys too, so a call may have to wait a short time for another rotation.
    ({ body }) => body.reason !== 'KEY_NOT_READY' && body.reason !== 'UNAVAILABLE',
  )
  const [retiring, ...others] = rotated(answer).retiring
  if (retiring === undefined || others.length > 0) throw new Error('A rotation of one algorithm must retire one key')
  return retiring.kid
}

/** Waits until the schedule has rotated every other key this many times, with tokens before, between and after. */
async function untilRotatedBySchedule(tokens: readonly IssuedToken[], times: number): Promise<void> {
  await until(
    async () =>
      BY_SCHEDULE.map((alg) => new Set(tokens.filter((token) => token.alg === alg).map(({ kid }) => kid)).size),
    (kids) => kids.every((count) => count > times),
  )
}

function report(name: string, { tokens, rotations, verified, tookS }: Story, more = ''): void {
  const counts = ALGORITHMS.map((alg) => `${alg} ${rotations(alg)}`).join(', ')
  process.stdout.write(
    `rotation ${name}: ${counts} in ${tookS} s; ${tokens.length} tokens, verified ${verified} times${more}\n`,
  )
}
