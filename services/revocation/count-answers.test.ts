import { beforeEach, describe, expect, it } from 'vitest'
import { checkServer, createCountAnswer, type FromDatabase } from './count-answers.ts'

let commits: PromiseWithResolvers<string>[]
let count: ReturnType<typeof createCountAnswer>

beforeEach(() => {
  commits = []
  count = createCountAnswer({
    confirm() {
      const commit = Promise.withResolvers<string>()
      commits.push(commit)
      return commit.promise
    },
  })
})

const told = (answer: string, by = { server: 'one', isReplicated: true }): Promise<FromDatabase<string>> =>
  Promise.resolve({ answer, by })
const without = () => 'unknown' as const
const merge = (known: string, other: string) => `${known} ${other}`

/** Lets all promises run that can. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('an answer of the database', () => {
  it('counts together with memory if there is a lease when it arrives, and needs no commit', async () => {
    expect(await count(told('database'), () => 'memory', merge)).toBe('memory database')
    expect(commits).toHaveLength(0)
  })

  it('counts without a lease only after a commit of the same server', async () => {
    let isCounted = false
    const counting = count(told('database'), without, merge).finally(() => {
      isCounted = true
    })
    await turn()
    expect([commits.length, isCounted]).toEqual([1, false])
    commits[0]?.resolve('one')
    expect(await counting).toBe('database')
  })

  it('does not count if another server has made the commit', async () => {
    const counting = count(told('database'), without, merge)
    await turn()
    commits[0]?.resolve('two')
    await expect(counting).rejects.toMatchObject({ reason: 'UNAVAILABLE' })
  })

  it('does not count if the commit fails', async () => {
    const counting = count(told('database'), without, merge)
    await turn()
    commits[0]?.reject(new Error('no answer in time'))
    await expect(counting).rejects.toThrow('no answer in time')
  })

  it('counts without a commit if commits wait for no standby', async () => {
    expect(await count(told('database', { server: 'one', isReplicated: false }), without, merge)).toBe('database')
    expect(commits).toHaveLength(0)
  })

  it('never waits for a commit that began before it arrived, and shares the next one', async () => {
    const first = count(told('first'), without, merge)
    await turn()
    const others = [count(told('second'), without, merge), count(told('third'), without, merge)]
    await turn()
    expect(commits).toHaveLength(1)
    commits[0]?.resolve('one')
    expect(await first).toBe('first')
    await turn()
    expect(commits).toHaveLength(2)
    commits[1]?.resolve('one')
    expect(await Promise.all(others)).toEqual(['second', 'third'])
  })

  it('counts after a commit of its own when the commit before failed', async () => {
    const failing = count(told('first'), without, merge)
    await turn()
    const next = count(told('second'), without, merge)
    await turn()
    commits[0]?.reject(new Error('no answer in time'))
    await expect(failing).rejects.toThrow('no answer in time')
    await turn()
    commits[1]?.resolve('one')
    expect(await next).toBe('second')
  })
})

it('checkServer refuses a commit of another server', () => {
  expect(() => checkServer({ server: 'one' }, 'one')).not.toThrow()
  expect(() => checkServer({ server: 'one' }, 'two')).toThrow('may no longer be the primary')
})
