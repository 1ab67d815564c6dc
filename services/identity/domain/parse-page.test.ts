import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { pageTokenAfter } from '../../platform/requests/page.ts'
import { parsePage } from './parse-page.ts'

const ID = '019bbf2e-71c8-7000-8000-0123456789ab'
const first = { pageSize: 0, pageToken: '', status: '' }

describe('parsePage', () => {
  it('selects 50 agents of every status except pending when the request has no filters', () => {
    expect(parsePage(first)).toEqual({ size: 50, after: undefined, statuses: ['active', 'suspended', 'revoked'] })
  })

  it.each(['pending', 'active', 'suspended', 'revoked'])(
    'selects only %s agents when the request names that status',
    (status) => {
      expect(parsePage({ ...first, status }).statuses).toEqual([status])
    },
  )

  it.each([1, 200])('accepts a page size of %d', (pageSize) => {
    expect(parsePage({ ...first, pageSize }).size).toBe(pageSize)
  })

  it('continues after the agent of a page token', () => {
    expect(parsePage({ ...first, pageToken: pageTokenAfter(ID) }).after).toBe(ID)
  })

  it.each([-1, 201, 2 ** 31 - 1])('refuses a page size of %d', (pageSize) => {
    expect(reasonOf(() => parsePage({ ...first, pageSize }))).toBe('INVALID_ARGUMENT')
  })

  it.each(['Active', 'deleted', 'active,pending', '__proto__', 'active\0'])('refuses the status %j', (status) => {
    expect(reasonOf(() => parsePage({ ...first, status }))).toBe('INVALID_ARGUMENT')
  })

  it.each([
    ['an id that is not encoded', ID],
    ['no id', Buffer.from('x').toString('base64url')],
    ['an id in upper case', pageTokenAfter(ID.toUpperCase())],
    ['an id and one more character', pageTokenAfter(`${ID}0`)],
    ['an id with padding', `${pageTokenAfter(ID)}=`],
    ['foreign characters', '\0'],
  ])('refuses a page token of %s', (_name, pageToken) => {
    expect(reasonOf(() => parsePage({ ...first, pageToken }))).toBe('INVALID_PAGE_TOKEN')
  })
})
