import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { NOW_S } from '../../support/assertions.ts'
import { admissionWorld } from '../../support/federation/admission-world.ts'
import { ALPHA, AUDIENCE, acmeToken } from '../../support/federation/foreign-parties.ts'
import { CHANGES, GRAPHS, ISSUERS } from '../../support/federation/worlds.ts'

const SCOPES = ['read', 'write', 'read write', '']

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: (NOW_S + 1) * 1_000 }))
afterEach(() => void vi.useRealTimers())

/**
 * The admissions are read before the change or after it. Both ways, the verifier accepts a token exactly if the server
 * does, with the same scopes, and refuses none for another reason than the server. Otherwise it asks.
 */
describe('a verifier that knows only the admissions agrees with the server about a token if', () => {
  for (const [issuers, options] of Object.entries(ISSUERS)) {
    for (const [graph, rows] of Object.entries(GRAPHS)) {
      it(`${issuers}; ${graph}`, async () => {
        for (const [name, change] of Object.entries(CHANGES)) {
          for (const moment of ['before', 'after']) {
            const world = admissionWorld({ ...options, rows })
            if (moment === 'after') change(world)
            const verify = await world.verifier()
            if (moment === 'before') change(world)
            for (const scope of SCOPES) {
              const token = acmeToken({ scope })
              const demands = { issuer: ALPHA, wanted: { audience: [AUDIENCE], scope: [], operators: [] } }
              const server = await world.verify(token, demands)
              const offline = await verify(token)
              const where = `${name} ${moment} the admissions are read, scope "${scope}"`
              if (server.valid) {
                const scopes = server.trust.trusted.scopes.join(' ')
                expect(offline, where).toEqual({ outcome: 'VALID', scopes })
              } else expect(['ASK', server.reason], where).toContain(offline.outcome)
            }
          }
        }
      })
    }
  }
})
