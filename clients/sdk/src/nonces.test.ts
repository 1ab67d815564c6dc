import { expect, it } from 'vitest'
import { Nonces } from './nonces.ts'

it('Nonces keeps the newest nonce of each server', () => {
  const nonces = new Nonces()
  expect(nonces.of('https://a.example')).toBeUndefined()
  expect(nonces.learn('https://a.example', 'one')).toBe('one')
  nonces.learn('https://b.example', 'other')
  nonces.learn('https://a.example', 'two')
  expect([nonces.of('https://a.example'), nonces.of('https://b.example')]).toEqual(['two', 'other'])
})

it.each([null, '', 'a b', 'a"b', 'a\\b', 'ä', 'a\n', 'n'.repeat(1025)])('Nonces ignores the nonce %j', (nonce) => {
  const nonces = new Nonces()
  nonces.learn('https://a.example', 'good')
  expect(nonces.learn('https://a.example', nonce)).toBeUndefined()
  expect(nonces.of('https://a.example')).toBe('good')
})

it('Nonces keeps the nonces of the 100 servers that were used last', () => {
  const nonces = new Nonces()
  for (let index = 0; index < 100; index += 1) nonces.learn(`https://${index}.example`, `n${index}`)
  expect(nonces.of('https://0.example')).toBe('n0')
  nonces.learn('https://100.example', 'n100')
  expect([0, 1, 2, 100].map((index) => nonces.of(`https://${index}.example`))).toEqual(['n0', undefined, 'n2', 'n100'])
})
