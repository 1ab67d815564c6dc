import { describe, expect, it } from 'vitest'
import type { MediaType } from '../../calls/resource.ts'
import { negotiate } from './negotiate.ts'

const profile = 'https://w3id.org/did-resolution'
const offers: readonly MediaType[] = [
  { type: 'application', subtype: 'json' },
  { type: 'application', subtype: 'did+json' },
  { type: 'application', subtype: 'did-resolution' },
  { type: 'application', subtype: 'ld+json', profile },
]
const [json, document, result, linked] = [0, 1, 2, 3]

describe('negotiate', () => {
  it.each<[string | undefined, number | undefined]>([
    [undefined, json],
    ['', json],
    ['*/*', json],
    ['application/*', json],
    ['application/json', json],
    ['text/html', json],
    ['nonsense', json],
    ['application/did+json', document],
    ['APPLICATION/DID+JSON', document],
    ['application/did-resolution', result],
    [`application/ld+json;profile="${profile}"`, linked],
    [`application/ld+json; charset=utf-8; PROFILE="${profile}"`, linked],
    ['application/ld+json', json],
    ['application/ld+json;profile="https://other.example/,;"', json],
    ['application/did+json, */*', document],
    ['*/*, application/did+json', document],
    ['*/*, application/did+json;q=0.5', json],
    ['application/json;q=0.5, application/did+json;q=0.9', document],
    ['application/did+json;q=0.5, application/did-resolution;q=0.5', document],
    ['application/did-resolution;q=0.5, application/did+json;q=0.5', result],
    ['application/did+json;q=0', json],
    ['application/did+json;q=0, application/json;q=0, application/*', result],
    ['application/did+json;q=2', json],
    ['application/did+json ; q=1.000', document],
  ])('chooses the expected offer for Accept: %s', (accept, expected) => {
    expect(negotiate(accept, offers)).toBe(expected)
  })

  it('reads a malformed Accept header of 32,000 characters in one pass', () => {
    expect(negotiate(`${'"\\'.repeat(8000)}${'a;'.repeat(8000)}`, offers)).toBe(json)
  })
})
