import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { blocks, startTour, type Tour } from './tour.ts'

const RECEIVER = 'docs/examples/ssf-receiver/README.md'

let tour: Tour
beforeAll(async () => {
  tour = await startTour()
})
afterAll(() => tour?.stop())

it("the receiver's tutorial and docs/signals.md run on this machine as pasted", async () => {
  const [local = '', ...others] = await blocks(RECEIVER, 'sh local')
  expect(others).toEqual([])
  const pushed = [...(await blocks(RECEIVER, 'sh push')), ...(await blocks('docs/signals.md', 'sh push'))]
  expect(pushed).toHaveLength(2)
  const output = await tour.paste([local, ...pushed].join('\n'))
  expect(output).toMatch(
    new RegExp(
      [
        '^token revoked$',
        '^session-revoked {"format":"jwt_id",.*',
        '^poll at: http://localhost:\\d+/ssf/streams/',
        '^push to: https://events.acme.example/$',
        '^push to: https://siem.acme.example/events$',
        '^poll at: ',
      ].join('[^]+'),
      'm',
    ),
  )
  const events = (await readFile(join(tour.folder, 'data/signals/events.jsonl'), 'utf8')).trim().split('\n')
  expect(events.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ type: expect.stringMatching(/session-revoked$/) }),
  ])
  expect((await stat(join(tour.folder, 'header.txt'))).mode & 0o777).toBe(0o600)
})
