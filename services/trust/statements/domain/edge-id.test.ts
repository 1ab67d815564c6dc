import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edgeId } from './edge-id.ts'

const PARTS = { home: 'https://beta.test/auth', iss: 'aaaaaaaa-1111-8111-8111-111111111111', jti: 'one' }

describe('edgeId', () => {
  it('is the UUIDv8 of the SHA-256 of home, iss and jti as a JSON array', () => {
    const hex = createHash('sha256').update('["https://beta.test/auth","aaaaaaaa-1111-8111-8111-111111111111","one"]')
    const bytes = hex.digest().subarray(0, 16)
    const id = edgeId(PARTS)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(id.slice(0, 13)).toBe(`${bytes.toString('hex').slice(0, 8)}-${bytes.toString('hex').slice(8, 12)}`)
  })

  it('differs if a character moves from one part to the next', () => {
    expect(edgeId({ home: 'a', iss: 'bc', jti: 'd' })).not.toBe(edgeId({ home: 'ab', iss: 'c', jti: 'd' }))
    expect(edgeId({ home: 'a","b', iss: 'c', jti: 'd' })).not.toBe(edgeId({ home: 'a', iss: 'b","c', jti: 'd' }))
  })

  it('differs for all parts that differ', () => {
    const parts = fc.record({ home: fc.string(), iss: fc.string(), jti: fc.string() })
    fc.assert(
      fc.property(parts, parts, (one, two) => {
        const isSame = one.home === two.home && one.iss === two.iss && one.jti === two.jti
        return (edgeId(one) === edgeId(two)) === isSame
      }),
    )
  })
})
