import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { guard } from '../../support/guardian.ts'
import { type ChromiumPage, startChromium } from '../passkeys/chromium-page.ts'
import { readDocument, startTour, type Tour } from '../readme-tour/tour.ts'

const TOOL = join(import.meta.dirname, '../../../node_modules/.bin/auth4agent')

let tour: Tour
let page: ChromiumPage
beforeAll(async () => {
  tour = await startTour()
  page = await startChromium()
})
afterAll(async () => {
  await page?.[Symbol.asyncDispose]()
  await tour?.stop()
})

/** Runs a command of README.md at the server of the tour, and returns its lines. */
function runAsWritten(command: string) {
  const port = `"$@" --json --server ${tour.adapt('http://localhost:8080')}`
  const stand = `npm() { :; }; npx() { shift; exec '${TOOL}' ${port}; }`
  const child = spawn('bash', ['-euc', `${stand}\n${command}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  guard(child, 'SIGTERM')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close')
  let last = ''
  return {
    ended: async () => (await ended)[0],
    /** Returns what a step tells. */
    async step(name: string): Promise<Record<string, unknown>> {
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error(`The demo ended before the step ${name}: ${last}`)
        last = value
        const told = JSON.parse(value) as Record<string, unknown>
        if (told['step'] === name) return told
      }
    },
  }
}

let clicks = 0
async function click(selector: string, toSee: string): Promise<void> {
  clicks += 1
  await page.run(`document.querySelector(${JSON.stringify(selector)}).click()`)
  await eventually(async () => {
    const text = String(await page.run('document.body?.innerText'))
    if (!text.includes(toSee)) throw new Error(`The page says ${text}`)
  })
}

it('demo --people needs two commands, four clicks and a minute until a person has ended a program', async () => {
  const since = performance.now()
  const [, command = ''] = /^\$ (.*npx auth4agent demo --people)/m.exec(await readDocument('README.md')) ?? []
  const demo = runAsWritten(command)
  const { page: consent } = await demo.step('page-wanted')
  // The first click is the one on the address in the terminal.
  clicks += 1
  await page.open(String(consent))
  await click('a[href$="/alice"]', 'May this program act for you?')
  expect(await page.run('document.body.innerText')).toContain('desktop.demo.test')
  await click('button[value=allow]', 'go back to the terminal')
  expect(await demo.step('tool-called')).toMatchObject({
    answer: expect.stringMatching(/^https:\/\/desktop\.demo\.test:\d+\/\S+ acts for user:[\w-]{22}$/),
  })
  expect(performance.now() - since).toBeLessThan(60_000)
  const { page: acting } = await demo.step('end-wanted')
  await page.open(String(acting))
  await click('button[name=end]', 'No program acts for you')
  expect(await demo.step('tool-refused')).toMatchObject({ refused: expect.any(String) })
  expect(await demo.ended()).toBe(0)
  expect(clicks).toBeLessThanOrEqual(4)
})
