import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { describe, expect, it } from 'vitest'
import { cutTimedPage, parseTimedToken } from './page.ts'

const ID = '0190aaaa-0000-8000-8000-00000000000d'
const rows = [3_000, 2_000, 1_000].map((ms) => ({ at: new Date(ms), id: ID }))
const tokenOf = (text: string) => encodeBase64url(new TextEncoder().encode(text))

describe('cutTimedPage', () => {
  it('names the last row of a page in its token, if a row more was read', () => {
    const page = cutTimedPage(rows, 2, (row) => row)
    expect(page.rows).toEqual(rows.slice(0, 2))
    expect(parseTimedToken(page.nextPageToken)).toEqual({ at: new Date(2_000), id: ID })
  })

  it('has no token for the last page, even if it is full', () => {
    expect(cutTimedPage(rows, 3, (row) => row)).toEqual({ rows, nextPageToken: '' })
  })
})

describe('parseTimedToken', () => {
  it('reads no token as the first page', () => {
    expect(parseTimedToken('')).toBeUndefined()
  })

  it.each([
    ['no base64url', '*'],
    ['no time', tokenOf(ID)],
    ['a time with a sign', tokenOf(`-1 ${ID}`)],
    ['a time beyond all dates', tokenOf(`9999999999999999 ${ID}`)],
    ['no id', tokenOf('1000')],
    ['an id that is no UUID', tokenOf('1000 x')],
  ])('refuses a token with %s', (_, token) => {
    expect(() => parseTimedToken(token)).toThrow(expect.objectContaining({ reason: 'INVALID_PAGE_TOKEN' }))
  })
})
