import { describe, expect, it } from 'vitest'
import { AGENT, check, ID, key, now, recorder, SERVER, takeAll } from '../../../test/support/sdk/recorded-operator.ts'
import { createOperator } from './operator.ts'

const record = (id: string) => ({ id, at: 't', actor: 'a', action: 'x', subject: 's', outcome: 'done' })

describe('lists of an operator', () => {
  it('request page after page with the same filters, each with its own assertion', async () => {
    const { sent, fetch } = recorder(({ url }) => {
      const page = url.searchParams.get('page_token')
      const next = page === null ? 'n+1' : page === 'n+1' ? 'n+2' : undefined
      const headers = next && { link: `<https://evil.example/x?page_token=${encodeURIComponent(next)}>; rel="next"` }
      return Response.json([record(page ?? 'first')], headers === undefined ? {} : { headers })
    })
    const operator = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    const ids = (await takeAll(operator.audit({ action: 'x', pageSize: 1 }))).map((item) => item)
    expect(ids).toEqual([record('first'), record('n+1'), record('n+2')])
    expect(sent.map(({ url }) => url.search)).toEqual([
      '?action=x&page_size=1',
      '?action=x&page_size=1&page_token=n%2B1',
      '?action=x&page_size=1&page_token=n%2B2',
    ])
    expect(sent.every(({ url }) => url.host === 'auth.example')).toBe(true)
    expect(new Set(sent.map((call) => check(call).jti)).size).toBe(3)
  })

  it('request a page only when it is needed', async () => {
    const headers = { link: `</x?page_token=n>; rel="next"` }
    const { sent, fetch } = recorder(() => Response.json([record('1')], { headers }))
    const operator = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    for await (const _ of operator.audit()) break
    expect(sent.length).toBe(1)
  })

  it('end when a server names the same page again', async () => {
    const headers = { link: `</x?page_token=n>; rel="next"` }
    const { sent, fetch } = recorder(() => Response.json([AGENT], { headers }))
    const { agents } = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    expect((await takeAll(agents.list({ status: 'pending' }))).length).toBe(2)
    expect(sent.map(({ url }) => url.search)).toEqual(['?status=pending', '?status=pending&page_token=n'])
  })
})
