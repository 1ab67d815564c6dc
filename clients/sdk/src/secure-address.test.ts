import { describe, expect, it } from 'vitest'
import { isLocalTarget, isSecureUrl } from './secure-address.ts'

describe('isSecureUrl', () => {
  it.each([
    'https://api.example/a',
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://127.1.2.3:80/',
    'http://[::1]:80',
  ])('takes %s', (url) => expect(isSecureUrl(url)).toBe(true))
  it.each([
    'http://api.example',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://localhost@api.example',
    'http://[::2]',
    'http://0.0.0.0',
    'ws://localhost',
    'file:///etc/hosts',
    'nothing',
  ])('does not take %s', (url) => expect(isSecureUrl(url)).toBe(false))
})

describe('isLocalTarget', () => {
  it.each([
    'localhost:8081',
    'dns:localhost:8081',
    'dns:127.0.0.1:1',
    'ipv4:127.0.0.1:1',
    'ipv4:127.0.0.1:1,127.0.0.2:2',
    'ipv6:[::1]:1',
    'unix:/run/a.sock',
  ])('takes %s', (target) => expect(isLocalTarget(target)).toBe(true))
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
  ])('does not take %s', (target) => expect(isLocalTarget(target)).toBe(false))
})
