import { describe, expect, it } from 'vitest'
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

  it.each<[string, unknown]>([
    ['http to another machine', 'http://as.example'],
    ['another scheme', 'ftp://as.example'],
    ['a host in upper case', 'https://AS.example'],
    ['a scheme in upper case', 'HTTPS://as.example'],
    ['a host that is not written as A-labels', 'https://bücher.example'],
    ['a dot after the host', 'https://as.example./'],
    ['the default port', 'https://as.example:443'],
    ['a path with two dots', 'https://as.example/a/../b'],
    ['a backslash', 'https://as.example\\b'],
    ['a space', 'https://as.example/a b'],
    ['a line break', 'https://as.exa\nmple'],
    ['a user name', 'https://user@as.example/'],
    ['a query', 'https://as.example/?a=1'],
    ['an empty query', 'https://as.example/?'],
    ['a fragment', 'https://as.example/#a'],
    ['no host', 'https:///a'],
    ['more than 1,024 characters', `https://as.example/${'a'.repeat(1_024)}`],
    ['an empty text', ''],
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
