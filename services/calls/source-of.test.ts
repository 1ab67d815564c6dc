import { expect, it } from 'vitest'
import { createConnectionSource } from './source-of.ts'

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['10.1.2.3', undefined],
  ['::ffff:10.1.2.3', undefined],
  ['2001:db8:ffff::1', undefined],
])('createConnectionSource returns, for the peer %s, the key %s', (peer, source) => {
  expect(createConnectionSource(['10.0.0.0/8', '2001:db8:ffff::1'])(peer)).toBe(source)
})
