import { expect, it } from 'vitest'
import { audiencesOf, splitCapability } from './split-capability.ts'

it('splitCapability splits at the first #, because a scope may have one', () => {
  expect(splitCapability('https://api.acme.test#a#b')).toEqual({ audience: 'https://api.acme.test', scope: 'a#b' })
})

it('audiencesOf returns each audience once', () => {
  const names = ['https://api.acme.test#read', 'https://api.acme.test#write', 'api.acme.test#read']
  const capabilities = new Map(names.map((name) => [name, new Map()]))
  expect(audiencesOf(capabilities)).toEqual(['https://api.acme.test', 'api.acme.test'])
})
