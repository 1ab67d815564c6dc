import { expect, it } from 'vitest'
import { sourceKey } from './source-key.ts'

it.each([
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
  ['192.0.2.1', '192.0.2.1'],
  ['', ''],
  ['unix', 'unix'],
])('sourceKey counts the address "%s" under the key "%s"', (address, key) => {
  expect(sourceKey(address)).toBe(key)
})
