import { describe, expect, it } from 'vitest'
import { encodeFrame, encodeText, parseTimeout, readFrame } from './frames.ts'

describe('grpc-timeout', () => {
  it.each([
    ['no header', undefined, Number.POSITIVE_INFINITY],
    ['hours', '2H', 7_200_000],
    ['minutes', '2M', 120_000],
    ['seconds', '5S', 5000],
    ['milliseconds', '250m', 250],
    ['microseconds', '500u', 0.5],
    ['nanoseconds', '1000n', 0.001],
    ['nothing left', '0m', 0],
    ['nine digits', '123456789m', undefined],
    ['a sign', '-1S', undefined],
    ['a fraction', '1.5S', undefined],
    ['another unit', '1s', undefined],
    ['no unit', '1', undefined],
    ['nothing', '', undefined],
    ['two headers', ['1S', '2S'], undefined],
  ])('%s', (_name, text, ms) => {
    const read = parseTimeout(text)
    if (ms === undefined) expect(read).toBeUndefined()
    else expect(read).toBeCloseTo(ms, 6)
  })
})

describe('a frame', () => {
  it.each([0, 1, 300, 70_000])('of %i bytes holds what was put into it', (size) => {
    const message = Buffer.alloc(size, 7)
    expect(Buffer.from(readFrame(encodeFrame(message)))).toStrictEqual(message)
  })

  it.each([
    ['nothing', []],
    ['half a head', [0, 0, 0]],
    ['less than it says', [0, 0, 0, 0, 2, 1]],
    ['more than it says', [0, 0, 0, 0, 0, 1]],
    ['two messages', [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1]],
    ['a compressed message', [1, 0, 0, 0, 1, 1]],
    ['a length with its highest bit set', [0, 128, 0, 0, 0, 1]],
  ])('is refused: %s', (_name, bytes) => {
    expect(() => readFrame(Buffer.from(bytes))).toThrow(expect.objectContaining({ reason: 'INVALID_ARGUMENT' }))
  })
})

it.each([
  ['plain text', 'not found', 'not found'],
  ['percent', '100%', '100%25'],
  ['line breaks, which would end a header', 'a\r\nb', 'a%0D%0Ab'],
  ['other scripts', 'ключ', '%D0%BA%D0%BB%D1%8E%D1%87'],
  ['characters beyond the first plane', 'a🔑b', 'a%F0%9F%94%91b'],
  ['half a surrogate pair', '\ud800', '%EF%BF%BD'],
])('grpc-message: %s', (_name, text, encoded) => {
  expect(encodeText(text)).toBe(encoded)
})
