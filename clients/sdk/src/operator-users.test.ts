import { describe, expect, it } from 'vitest'
import { ID, key, now, recorder, SERVER, takeAll } from '../../../test/support/sdk/recorded-operator.ts'
import { createOperator } from './operator.ts'

const SUBJECT = 'user:9sKxGXkSsGS3FWtdVEtMBw'
const user = { subject: SUBJECT, status: 'active', provider: 'work', name: 'Alice', groups: ['staff'] }

function usersWith(answer: unknown, next?: string) {
  let page = 0
  const { sent, fetch } = recorder(() => {
    page += 1
    const more = next !== undefined && page === 1
    return Response.json(answer, more ? { headers: { link: `<?page_token=${next}>; rel="next"` } } : {})
  })
  return { sent, users: createOperator({ server: SERVER, operatorId: ID, key, fetch, now }).users }
}

describe('operator.users', () => {
  it('list asks for each page with the filter', async () => {
    const { sent, users } = usersWith({ users: [user] }, 'next')
    expect(await takeAll(users.list({ status: 'active', pageSize: 1 }))).toEqual([user, user])
    expect(sent.map(({ url }) => url.pathname + url.search)).toEqual([
      `/v1/operators/${ID}/users?status=active&page_size=1`,
      `/v1/operators/${ID}/users?status=active&page_size=1&page_token=next`,
    ])
  })

  it.each(['disable', 'enable'] as const)('%s sends the reason, and returns what the server says', async (verb) => {
    const { sent, users } = usersWith({ user })
    expect(await users[verb](SUBJECT, 'why')).toEqual(user)
    expect(sent[0]).toMatchObject({ method: 'POST', body: { reason: 'why' } })
    expect(sent[0]?.url.pathname).toBe(`/v1/operators/${ID}/users/${SUBJECT}/${verb}`)
  })

  it('remove returns what is left of the user', async () => {
    const removed = { subject: SUBJECT, status: 'removed', groups: [] }
    const { sent, users } = usersWith({ user: removed })
    expect(await users.remove(SUBJECT)).toEqual(removed)
    expect(sent[0]).toMatchObject({ method: 'DELETE' })
    expect(sent[0]?.url.pathname).toBe(`/v1/operators/${ID}/users/${SUBJECT}`)
  })

  it('refuses a misspelt filter and a subject that changes the path, and sends nothing', async () => {
    const { sent, users } = usersWith({ user })
    expect(() => users.list(Object.assign({ state: 'active' }, { status: 'active' as const }))).toThrow(TypeError)
    for (const subject of ['..', 'user:a/enable', 'did:agent:a:b', '']) {
      await expect(users.disable(subject)).rejects.toThrow(TypeError)
      await expect(users.remove(subject)).rejects.toThrow(TypeError)
    }
    expect(sent).toEqual([])
  })
})
