import { describe, expect, it } from 'vitest'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { configurationUrl, isEntityId } from './entity-id.ts'

describe('isEntityId', () => {
  it.each([
    'https://as.example',
    'https://as.example/',
    'https://as.example:8443/tenant',
    'https://as.example/tenant/',
    'https://xn--bcher-kva.example',
    'http://127.0.0.1:8080/auth',
  ])('accepts %s', (text) => {
    expect(isEntityId(text)).toBe(true)
  })

  it.each<readonly [string, unknown]>([
    ...ODD_URLS,
    ['http to another machine', 'http://as.example'],
    ['another scheme', 'ftp://as.example'],
    ['a query', 'https://as.example/?a=1'],
    ['an empty query', 'https://as.example/?'],
    ['more than 1,024 characters', `https://as.example/${'a'.repeat(1_024)}`],
    ['a number', 1],
    ['a list', ['https://as.example']],
  ])('refuses %s', (_, value) => {
    expect(isEntityId(value)).toBe(false)
  })
})

describe('configurationUrl', () => {
  it.each([
    ['https://as.example', 'https://as.example/.well-known/openid-federation'],
    ['https://as.example/', 'https://as.example/.well-known/openid-federation'],
    ['https://as.example/a', 'https://as.example/a/.well-known/openid-federation'],
    ['https://as.example/a/', 'https://as.example/a/.well-known/openid-federation'],
  ])('of %s is %s', (id, url) => {
    expect(configurationUrl(id)).toBe(url)
  })
})
