import { describe, expect, it } from 'vitest'
import { ODD_URLS } from '../../../../test/support/odd-urls.ts'
import { parseNormalUrl } from './normal-url.ts'

describe('parseNormalUrl', () => {
  it.each([
    'https://as.example',
    'https://as.example/',
    'https://as.example/a/',
    'https://as.example:8443/a%20b?c=d%2F..',
    'https://as.example//a',
    'https://xn--bcher-kva.example/a',
    'https://127.0.0.1/a',
    'http://[::1]:8080',
    `https://as.example/${'a'.repeat(2_029)}`,
  ])('accepts %s', (text) => {
    expect(parseNormalUrl(text)?.href).toBe(new URL(text).href)
  })

  it.each(ODD_URLS)('refuses %s', (_name, url) => expect(parseNormalUrl(url)).toBeUndefined())

  it.each<[string, unknown]>([
    ['a URL without a host', 'mailto:a@as.example'],
    ['a file', 'file:///etc/passwd'],
    ['a list', ['https://as.example/a']],
    ['an object of the class URL', new URL('https://as.example/a')],
    ['a number', 1],
    ['undefined', undefined],
  ])('refuses %s', (_name, value) => expect(parseNormalUrl(value)).toBeUndefined())
})
