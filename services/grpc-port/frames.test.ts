import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createFrameReader, decodeFrame, encodeFrame, encodeText, type Frame, parseTimeout } from './frames.ts'

describe('parseTimeout', () => {
  it.each([
    ['no header', undefined, Number.POSITIVE_INFINITY],
    ['hours', '2H', 7_200_000],
    ['minutes', '2M', 120_000],
    ['seconds', '5S', 5000],
    ['milliseconds', '250m', 250],
    ['microseconds', '500u', 0.5],
    ['nanoseconds', '1000n', 0.001],
    ['zero', '0m', 0],
    ['nine digits', '123456789m', undefined],
    ['a sign', '-1S', undefined],
    ['a fraction', '1.5S', undefined],
    ['another unit', '1s', undefined],
    ['no unit', '1', undefined],
    ['an empty text', '', undefined],
    ['two headers', ['1S', '2S'], undefined],
  ])('reads %s', (_name, text, ms) => {
    const read = parseTimeout(text)
    if (ms === undefined) expect(read).toBeUndefined()
    else expect(read).toBeCloseTo(ms, 6)
  })
})

function frameOf(bytes: Uint8Array, flag = 0): Buffer {
  const frame = encodeFrame(bytes)
  frame.writeUInt8(flag, 0)
  return frame
}

describe('createFrameReader', () => {
  it.each([0, 1, 300, 70_000])('reads a frame of %i bytes in pieces of any size', (size) => {
    const message = Buffer.alloc(size, 7)
    const frame = frameOf(message)
    for (const step of [1, 4, 7, frame.length]) {
      if (frame.length / step > 20_000) continue
      const reader = createFrameReader(70_000)
      const frames: Frame[] = []
      for (let at = 0; at < frame.length; at += step) frames.push(...reader.push(frame.subarray(at, at + step)))
      expect(frames.map(({ bytes, isCompressed }) => [Buffer.from(bytes), isCompressed])).toEqual([[message, false]])
      expect(reader.isWhole()).toBe(true)
    }
  })

  it('reads several frames from one piece, and keeps an incomplete frame', () => {
    const reader = createFrameReader(10)
    const [first, second] = [frameOf(Buffer.from('a')), frameOf(Buffer.from('bc'), 1)]
    const frames = reader.push(Buffer.concat([first, second, Buffer.from([0, 0])]))
    expect(frames.map(({ bytes, isCompressed }) => [String(bytes), isCompressed])).toEqual([
      ['a', false],
      ['bc', true],
    ])
    expect(reader.isWhole()).toBe(false)
  })

  it.each([
    ['longer than the limit', [0, 0, 0, 0, 11], 'BODY_TOO_LARGE'],
    ['with the highest bit of its length set', [0, 128, 0, 0, 0], 'BODY_TOO_LARGE'],
    ['with an unknown flag', [2, 0, 0, 0, 1, 1], 'INVALID_ARGUMENT'],
  ])('refuses a frame %s as soon as its head is complete', (_name, bytes, reason) => {
    expect(() => createFrameReader(10).push(Buffer.from(bytes))).toThrow(expect.objectContaining({ reason }))
  })
})

const compressed = (bytes: Uint8Array) => ({ isCompressed: true, bytes })

describe('decodeFrame', () => {
  const text = Buffer.from('a message')

  it.each([
    ['plain bytes', { isCompressed: false, bytes: text }, 'gzip'],
    ['gzip', compressed(gzipSync(text)), 'gzip'],
    ['deflate', compressed(deflateSync(text)), 'deflate'],
  ])('reads %s', (_name, frame, encoding) => {
    expect(Buffer.from(decodeFrame(frame, encoding, 100))).toEqual(text)
  })

  it.each([
    ['no encoding', gzipSync(text), undefined, 'INVALID_ARGUMENT'],
    ['identity', gzipSync(text), 'identity', 'INVALID_ARGUMENT'],
    ['an unknown encoding', gzipSync(text), 'br', 'UNSUPPORTED_COMPRESSION'],
    ['another encoding than grpc-encoding names', deflateSync(text), 'gzip', 'INVALID_ARGUMENT'],
    ['more bytes than the limit after decompression', gzipSync(Buffer.alloc(10_000)), 'gzip', 'BODY_TOO_LARGE'],
  ])('refuses a compressed message with %s', (_name, bytes, encoding, reason) => {
    expect(() => decodeFrame(compressed(bytes), encoding, 100)).toThrow(expect.objectContaining({ reason }))
  })
})

it.each([
  ['plain text', 'not found', 'not found'],
  ['percent', '100%', '100%25'],
  ['line breaks, which would end a header', 'a\r\nb', 'a%0D%0Ab'],
  ['other scripts', 'ключ', '%D0%BA%D0%BB%D1%8E%D1%87'],
  ['characters beyond the first plane', 'a🔑b', 'a%F0%9F%94%91b'],
  ['a lone surrogate', '\ud800', '%EF%BF%BD'],
])('encodeText encodes %s', (_name, text, encoded) => {
  expect(encodeText(text)).toBe(encoded)
})
