import { describe, expect, it } from 'vitest'
import { signOnce } from './sign-once.ts'

function setUp() {
  const state = { nowMs: 0, kids: ['one'], made: 0 }
  const once = signOnce(
    () => state.nowMs,
    async () => state.kids,
  )
  const make = async () => `document ${(state.made += 1)}`
  return { state, read: (name = 'a') => once(name, make), once }
}

describe('signOnce', () => {
  it('makes each document once a minute', async () => {
    const { state, read } = setUp()
    expect([await read(), await read(), await read('b')]).toEqual(['document 1', 'document 1', 'document 2'])
    state.nowMs = 59_999
    expect(await read()).toBe('document 1')
    state.nowMs = 60_000
    expect(await read()).toBe('document 3')
  })

  it('makes all documents anew when the keys change', async () => {
    const { state, read } = setUp()
    await read()
    state.kids = ['two']
    expect(await read()).toBe('document 2')
  })

  it('makes a document anew when the clock has been set back', async () => {
    const { state, read } = setUp()
    await read()
    state.nowMs = -1
    expect(await read()).toBe('document 2')
  })

  it('makes a document once for requests that come at the same time', async () => {
    const { read } = setUp()
    expect(await Promise.all([read(), read()])).toEqual(['document 1', 'document 1'])
  })

  it('does not remember a failure', async () => {
    const { once } = setUp()
    await expect(once('a', () => Promise.reject(new Error('no key')))).rejects.toThrow('no key')
    expect(await once('a', async () => 'signed')).toBe('signed')
  })
})
