import { describe, expect, it } from 'vitest'
import { isLocalTarget } from './secure-address.ts'

describe('isLocalTarget', () => {
  it.each([
    'localhost:8081',
    'dns:localhost:8081',
    'dns:127.0.0.1:1',
    'ipv4:127.0.0.1:1',
    'ipv4:127.0.0.1:1,127.0.0.2:2',
    'ipv6:[::1]:1',
    'unix:/run/a.sock',
  ])('accepts %s', (target) => expect(isLocalTarget(target)).toBe(true))
  it.each([
    'api.example:443',
    'dns:api.example',
    'dns://8.8.8.8/localhost:80',
    'localhost.example:80',
    'ipv4:127.0.0.1:1,10.0.0.1:1',
    'ipv4:10.0.0.1:1,127.0.0.1:1',
    'ipv6:[::1]:1,[::2]:1',
    'xds:localhost',
    '',
  ])('refuses %s', (target) => expect(isLocalTarget(target)).toBe(false))
})
