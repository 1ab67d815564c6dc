import { describe, expect, it } from 'vitest'
import { isSecureUrl } from './secure-url.ts'

describe('isSecureUrl', () => {
  it.each([
    'https://api.example/a',
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://127.1.2.3:80/',
    'http://[::1]:80',
  ])('accepts %s', (url) => expect(isSecureUrl(url)).toBe(true))
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
  ])('refuses %s', (url) => expect(isSecureUrl(url)).toBe(false))
})
