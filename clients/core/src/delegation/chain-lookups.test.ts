import { describe, expect, it } from 'vitest'
import type { Ending } from '../revocation/revocation-log.ts'
import { createRevocationState } from '../revocation/revocation-state.ts'
import { chainLookups, type GrantIdentity } from './chain-lookups.ts'

const grant = (hop: number, operatorId: string): GrantIdentity => ({
  kid: `kid ${hop}`,
  id: `id ${hop}`,
  did: `did ${hop}`,
  operatorId,
  epoch: [10 + hop, 20 + hop],
})
const chain = { hops: [{ ...grant(0, 'A'), edges: ['edge 1', 'edge 2'] }, grant(1, 'B'), grant(2, 'A'), grant(3, 'B')] }

/** Returns the place of the first grant that a record ends, and why. */
function endedBy(record: Omit<Ending, 'sequence'>) {
  const state = createRevocationState()
  state.apply({ sequence: 1, ...record })
  const found = chainLookups(chain).find(({ token }) => state.lookup(token) !== undefined)
  return found && [found.hop, state.lookup(found.token)]
}

describe('chainLookups', () => {
  it('looks a grant up under the operator of its holder first, then once under each other operator above', () => {
    expect(chainLookups(chain).map(({ hop, token }) => [hop, token.operatorId, token.sub, token.jti])).toEqual([
      [0, 'A', 'did 0', 'id 0'],
      [1, 'B', 'did 1', 'id 1'],
      [1, 'A', 'did 0', 'id 1'],
      [2, 'A', 'did 2', 'id 2'],
      [2, 'B', 'did 1', 'id 2'],
      [3, 'B', 'did 3', 'id 3'],
      [3, 'A', 'did 0', 'id 3'],
    ])
  })

  const none = { subject: '', operatorId: '', minimumEpoch: 0 }
  it.each<[string, Omit<Ending, 'sequence'>, [number, string] | undefined]>([
    ['of a grant by its operator', { ...none, kind: 'token', operatorId: 'B', subject: 'id 1' }, [1, 'TOKEN_REVOKED']],
    [
      'of a grant by an operator above',
      { ...none, kind: 'token', operatorId: 'A', subject: 'id 1' },
      [1, 'TOKEN_REVOKED'],
    ],
    ['of a root by an operator below', { ...none, kind: 'token', operatorId: 'B', subject: 'id 0' }, undefined],
    ['of a grant by a stranger', { ...none, kind: 'token', operatorId: 'C', subject: 'id 1' }, undefined],
    ['of an agent', { kind: 'agent', operatorId: 'A', subject: 'did 2', minimumEpoch: 13 }, [2, 'AGENT_TOKENS_ENDED']],
    ['of an agent at these epochs', { kind: 'agent', operatorId: 'A', subject: 'did 2', minimumEpoch: 12 }, undefined],
    [
      'of an operator',
      { kind: 'operator', operatorId: 'B', subject: '', minimumEpoch: 22 },
      [1, 'OPERATOR_TOKENS_ENDED'],
    ],
    ['of a key of a statement', { ...none, kind: 'key', subject: 'kid 3' }, [3, 'UNKNOWN_KEY']],
    ['of an edge of the root', { ...none, kind: 'edge', subject: 'edge 2' }, [0, 'TRUST_ENDED']],
    ['of another edge', { ...none, kind: 'edge', subject: 'edge 3' }, undefined],
    ['of the deployment', { ...none, kind: 'deployment', minimumEpoch: 21 }, [0, 'OPERATOR_TOKENS_ENDED']],
  ])('finds the record %s exactly when it ends a grant of the chain', (_, record, expected) => {
    expect(endedBy(record)).toEqual(expected)
  })
})
