import { setImmediate as endOfTurn } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { LookupAudienceOwnerResponseSchema } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { type AudienceOwners, shareLookUps } from './audience-owners.ts'

/** A directory whose answers name the host and the number of the look-up. */
function directory() {
  const hosts: string[] = []
  const owners: AudienceOwners = {
    async lookupAudienceOwner({ host }) {
      hosts.push(host)
      if (host === 'broken.example') throw new Error(`look-up ${hosts.length} failed`)
      return create(LookupAudienceOwnerResponseSchema, { operatorId: `${host} ${hosts.length}` })
    },
  }
  return { hosts, owners: shareLookUps(owners) }
}

describe('shareLookUps', () => {
  it('looks up a host once for all requests of a turn, and each host by itself', async () => {
    const { hosts, owners } = directory()
    const wanted = ['a.example', 'b.example', 'a.example', 'a.example']
    const answers = await Promise.all(wanted.map((host) => owners.lookupAudienceOwner({ host, audiences: [host] })))
    expect(hosts).toEqual(['a.example', 'b.example'])
    expect(answers.map(({ operatorId }) => operatorId)).toEqual([
      'a.example 1',
      'b.example 2',
      'a.example 1',
      'a.example 1',
    ])
  })

  it('asks for every audience and caller of the requests once, and for no others', async () => {
    const asked: unknown[] = []
    const owners = shareLookUps({
      async lookupAudienceOwner(request) {
        asked.push(request)
        return create(LookupAudienceOwnerResponseSchema)
      },
    })
    const ask = (host: string, audience: string, callers?: string[]) =>
      owners.lookupAudienceOwner({ host, audiences: [audience], ...(callers && { callers }) })
    await Promise.all([
      ask('a.example', 'https://a.example/1', ['x.example', 'y.example']),
      ask('a.example', 'https://a.example/2', ['y.example']),
      ask('b.example', 'b.example'),
    ])
    await ask('a.example', 'https://a.example/1', ['z.example'])
    expect(asked).toEqual([
      {
        host: 'a.example',
        audiences: ['https://a.example/1', 'https://a.example/2'],
        callers: ['x.example', 'y.example'],
      },
      { host: 'b.example', audiences: ['b.example'], callers: [] },
      { host: 'a.example', audiences: ['https://a.example/1'], callers: ['z.example'] },
    ])
  })

  it('looks up a host again for a request that arrives after the look-up has begun', async () => {
    const changed = Promise.withResolvers<void>()
    const hosts: string[] = []
    const owners = shareLookUps({
      async lookupAudienceOwner({ host }) {
        hosts.push(host)
        if (hosts.length === 1) await changed.promise
        return create(LookupAudienceOwnerResponseSchema, { operatorId: String(hosts.length) })
      },
    })
    const before = owners.lookupAudienceOwner({ host: 'a.example', audiences: ['a.example'] })
    while (hosts.length === 0) await endOfTurn()
    const after = owners.lookupAudienceOwner({ host: 'a.example', audiences: ['a.example'] })
    expect((await after).operatorId).toBe('2')
    changed.resolve()
    await before
    expect(hosts.length).toBe(2)
  })

  it('reports a failure to all requests of the look-up, and to no later request', async () => {
    const { owners } = directory()
    const ask = () => owners.lookupAudienceOwner({ host: 'broken.example', audiences: ['broken.example'] })
    const [first, second] = await Promise.allSettled([ask(), ask()])
    expect([first, second]).toEqual(
      Array.from({ length: 2 }, () => ({ status: 'rejected', reason: new Error('look-up 1 failed') })),
    )
    await expect(ask()).rejects.toThrow('look-up 2 failed')
  })
})
