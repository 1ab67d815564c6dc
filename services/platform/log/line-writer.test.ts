import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { until } from '../../../test/support/until.ts'
import { createLineWriter } from './line-writer.ts'

const full = Object.assign(new Error('full'), { code: 'EAGAIN' })
const gone = Object.assign(new Error('gone'), { code: 'EPIPE' })

/** Creates a reader that takes at most `room` bytes per write. With a `room` of 0 it is a full pipe. */
function setUp(room = Number.POSITIVE_INFINITY) {
  const taken: Uint8Array[] = []
  const reader = { room, writes: 0, error: full, text: () => Buffer.concat(taken).toString() }
  const write = createLineWriter({
    fd: 1,
    describeLost: (lines) => `lost ${lines} lines\n`,
    write(_fd, bytes) {
      if (reader.room === 0) throw reader.error
      reader.writes += 1
      taken.push(bytes.slice(0, reader.room))
      return Math.min(bytes.length, reader.room)
    },
  })
  return { reader, write }
}

it('createLineWriter writes the lines of one turn with one write, in their order', async () => {
  const { reader, write } = setUp()
  for (const line of ['a\n', 'b\n', 'c\n']) write(line)
  expect(reader.text()).toBe('')
  await nextTurn()
  expect([reader.text(), reader.writes]).toEqual(['a\nb\nc\n', 1])
  write('d\n')
  await nextTurn()
  expect([reader.text(), reader.writes]).toEqual(['a\nb\nc\nd\n', 2])
})

it('createLineWriter continues after a partial write', async () => {
  const { reader, write } = setUp(3)
  write('äöü\n')
  write('second\n')
  await nextTurn()
  expect([reader.text(), reader.writes]).toEqual(['äöü\nsecond\n', 5])
})

describe('createLineWriter, with a slow reader', () => {
  it('does not block, and writes all lines in order when the reader reads again', async () => {
    const { reader, write } = setUp(0)
    write('a\n')
    await nextTurn()
    write('b\n')
    await nextTurn()
    expect(reader.text()).toBe('')
    reader.room = 100
    await until(
      async () => reader.text(),
      (text) => text === 'a\nb\n',
    )
  })

  it('drops lines beyond the backlog and reports how many', async () => {
    const { reader, write } = setUp(0)
    const line = `${'x'.repeat(1023)}\n`
    for (let count = 0; count < 5_000; count += 1) write(line)
    await nextTurn()
    reader.room = Number.POSITIVE_INFINITY
    await until(
      async () => reader.text(),
      (text) => text.includes('lost '),
    )
    const kept = reader.text().split(line).length - 1
    expect(kept).toBeGreaterThan(4_000)
    expect(reader.text()).toContain(`lost ${5_000 - kept} lines\n`)
  })
})

it('createLineWriter writes nothing more after the reader has closed the pipe', async () => {
  const { reader, write } = setUp(0)
  reader.error = gone
  write('a\n')
  await nextTurn()
  reader.room = 100
  write('b\n')
  await nextTurn()
  expect(reader.text()).toBe('')
})
