import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolve } from '../support/federation/resolve-policies.ts'

type Json = Readonly<Record<string, unknown>>

/** Policies of a trust anchor and an intermediate, the metadata of a subject, and what the resolution must give. */
interface Vector {
  readonly n: number
  readonly TA: Json
  readonly INT: Json
  /** Absent if the policies are refused. */
  readonly merged?: Json
  readonly metadata: Json
  /** Absent if there is an error. */
  readonly resolved?: Json
  readonly error?: 'invalid_policy' | 'invalid_metadata'
}

/** A few vectors of this project, for test runs without the public vectors. */
const OWN: readonly Vector[] = [
  {
    n: -1,
    TA: { grant_types: { subset_of: ['client_credentials', 'refresh_token'] } },
    INT: { grant_types: { add: ['client_credentials'], essential: true } },
    merged: {
      grant_types: {
        subset_of: ['client_credentials', 'refresh_token'],
        add: ['client_credentials'],
        essential: true,
      },
    },
    metadata: { grant_types: ['implicit'] },
    resolved: { grant_types: ['client_credentials'] },
  },
  {
    n: -2,
    TA: { grant_types: { value: ['client_credentials'] } },
    INT: { grant_types: { value: ['implicit'] } },
    metadata: {},
    error: 'invalid_policy',
  },
  {
    n: -3,
    TA: { grant_types: { superset_of: ['client_credentials'] } },
    INT: { grant_types: { essential: false } },
    merged: { grant_types: { superset_of: ['client_credentials'], essential: false } },
    metadata: { grant_types: ['implicit'] },
    error: 'invalid_metadata',
  },
]

/** Reads the vectors of Connect2id from the folder in AUTH4AGENT_VECTORS_DIR, and adds those in OWN. */
async function readVectors(): Promise<readonly Vector[]> {
  const folder = process.env['AUTH4AGENT_VECTORS_DIR']
  if (folder === undefined) return OWN
  const vectors: Vector[] = JSON.parse(await readFile(join(folder, 'openid-federation-metadata-policy.json'), 'utf8'))
  if (vectors.length < 1_000) throw new Error('The file must contain more than 1,000 vectors')
  return [...OWN, ...vectors]
}

const vectors = await readVectors()

describe('metadata policies (OpenID Federation 1.0 section 6.1)', () => {
  it.each(vectors)('are merged and applied as vector $n says', ({ TA, INT, merged, metadata, resolved, error }) => {
    const result = resolve([TA, INT], metadata)
    expect(errorOf(result.outcome)).toBe(error)
    expect(asSets(result.merged)).toEqual(asSets(merged))
    expect('resolved' in result.outcome ? asSets(result.outcome.resolved) : undefined).toEqual(asSets(resolved))
  })
})

function errorOf(outcome: ReturnType<typeof resolve>['outcome']): Vector['error'] {
  if (!('rule' in outcome)) return undefined
  return outcome.rule === 'METADATA_REFUSED' ? 'invalid_metadata' : 'invalid_policy'
}

/** Sorts every list in a value: the specification leaves the order of merged lists open (section 6.1.3). */
function asSets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asSets).toSorted((one, other) => (String(one) < String(other) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asSets(member)]))
}
