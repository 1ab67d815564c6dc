import { describe, expect, it } from 'vitest'
import { signableRequest } from './signable-request.ts'

describe('signableRequest', () => {
  const rawHeaders = [
    'Host',
    'h',
    'Signature',
    's',
    'SIGNATURE-INPUT',
    'sig=("x-A" "x-b" "\\"q");tag="t"',
    'X-B',
    '1',
    'x-b',
    '2',
    'X-C',
    '3',
  ]
  const headers = { signature: 's', 'signature-input': 'sig=("x-A" "x-b" "\\"q");tag="t"' }

  it('keeps the headers of the signature and those that it names, in their order, and adds the query', () => {
    const { signable } = signableRequest({ headers, rawHeaders, method: 'PUT' }, 'https://a.example/x', 'y=1')
    expect(signable).toMatchObject({ method: 'PUT', url: 'https://a.example/x?y=1' })
    expect(signable?.fields.map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'signature: s',
      `signature-input: ${headers['signature-input']}`,
      'x-b: 1',
      'x-b: 2',
    ])
  })

  it('returns nothing for a request without a signature', () => {
    expect(signableRequest({ headers: {}, rawHeaders: ['Host', 'h'], method: 'PUT' }, 'https://a.example', '')).toEqual(
      {},
    )
  })
})
