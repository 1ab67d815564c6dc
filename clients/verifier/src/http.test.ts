import { expect, it } from 'vitest'
import { toHttpError } from './http.ts'

it.each([
  ['2', 2_000],
  ['0', 0],
  ['60', 60_000],
  ['3600', 60_000],
  ['1e99', 60_000],
  ['-1', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
])('toHttpError reads Retry-After: %s in seconds, and limits it to a minute', async (retryAfter, ms) => {
  const response = Response.json({ reason: 'UNAVAILABLE' }, { status: 503, headers: { 'retry-after': retryAfter } })
  expect(await toHttpError(response, 'https://a.example/')).toMatchObject({
    status: 503,
    reason: 'UNAVAILABLE',
    retryAfterMs: ms,
  })
})
