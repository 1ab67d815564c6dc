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

it.each([
  ['the detail of the server', 'kid must be the thumbprint of a key', ': kid must be the thumbprint of a key'],
  ['no control characters', 'a\u001b[2J\u202eb\nc', ': a?[2J?b?c'],
  ['at most 300 characters of it', 'x'.repeat(400), `: ${'x'.repeat(300)}`],
  ['nothing for a detail that is no text', { a: 1 }, ''],
])('the message of toHttpError has %s', async (_name, detail, told) => {
  const response = Response.json({ reason: 'INVALID_ASSERTION', detail }, { status: 401 })
  const { message } = await toHttpError(response, 'https://a.example/')
  expect(message).toBe(`https://a.example/ answered with 401 INVALID_ASSERTION${told}`)
})
