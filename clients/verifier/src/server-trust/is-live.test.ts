import type { Moment } from '@auth4agent/core/platform/moment'
import { describe, expect, it } from 'vitest'
import { knownKey } from '../../../../test/support/access-tokens.ts'
import type { AdmissionCopy } from './admission-copy.ts'
import { createIsLive } from './is-live.ts'
import type { Admission, AdmittedIssuer } from './read-answer.ts'

const AUDIENCE = 'https://api.example'
const MINUTE_MS = 60_000
const SKEW_MS = 10_000
const now: Moment = { monotonic: 10 * MINUTE_MS, wall: 1_800_000_000_000 }
const { entry } = knownKey()

const admission: Admission = {
  issuer: 'https://other.example',
  domain: 'acme.example',
  operatorId: 'cccccccc-3333-8333-8333-333333333333',
  scopes: {},
  edges: [],
  authors: [],
  expiresAt: now.wall + 60 * MINUTE_MS,
}
const issuer: AdmittedIssuer = {
  issuer: 'https://other.example',
  kind: 'auth4agent',
  algorithms: ['EdDSA'],
  mode: 'log',
  maxTokenTtlS: 3_600,
  maxStalenessMs: MINUTE_MS,
  generation: 1,
  acceptedFrom: 0,
  keys: new Map([[entry.kid, entry]]),
  keysAsOf: now.wall,
  keysUsableUntil: now.wall + 60 * MINUTE_MS,
}
const copy: AdmissionCopy = {
  byCaller: new Map(),
  issuers: new Map([[issuer.issuer, issuer]]),
  boundOnly: false,
  position: { logEpoch: 1, sequence: 1 },
  readAt: now,
  maxAgeMs: 30 * MINUTE_MS,
  size: 1,
}

/** How an admission differs from one that accepts tokens. */
interface Edits {
  readonly admission?: Partial<Admission>
  readonly issuer?: Partial<AdmittedIssuer>
  readonly copy?: Partial<AdmissionCopy>
  /** Whether the server has taken the copies of the audience back. */
  readonly isTakenBack?: boolean
}

function isLive(edits: Edits): boolean {
  const admitted = {
    copy: { ...copy, ...edits.copy },
    admission: { ...admission, ...edits.admission },
    issuer: { ...issuer, ...edits.issuer },
    audience: AUDIENCE,
    audiences: [AUDIENCE],
  }
  const of = (audience: string) => (audience === AUDIENCE && edits.isTakenBack !== true ? admitted.copy : undefined)
  return createIsLive({ of }, SKEW_MS)(admitted, entry.kid, now)
}

const ago = (ms: number): Moment => ({ monotonic: now.monotonic - ms, wall: now.wall - ms })

describe('createIsLive', () => {
  it.each<[string, Edits]>([
    ['whose copy is new', {}],
    ['that lives a millisecond longer than the skew', { admission: { expiresAt: now.wall + SKEW_MS + 1 } }],
    ['in the last millisecond of its copy', { copy: { readAt: ago(30 * MINUTE_MS - 1) } }],
    ['whose keys were fetched 49 minutes ago', { issuer: { keysAsOf: now.wall - 49 * MINUTE_MS } }],
  ])('accepts an admission %s', (_name, edits) => {
    expect(isLive(edits)).toBe(true)
  })

  it.each<[string, Edits]>([
    ['whose copy does not have the key that signed', { issuer: { keys: new Map() } }],
    ['whose copy is too old', { copy: { readAt: ago(30 * MINUTE_MS) } }],
    ['whose copy the server has taken back', { isTakenBack: true }],
    ['that may have expired for a clock that is ahead', { admission: { expiresAt: now.wall + SKEW_MS } }],
    ['whose keys may be used no longer', { issuer: { keysUsableUntil: now.wall + SKEW_MS } }],
    ['whose keys were fetched 50 minutes ago', { issuer: { keysAsOf: now.wall - 50 * MINUTE_MS } }],
  ])('does not accept an admission %s', (_name, edits) => {
    expect(isLive(edits)).toBe(false)
  })
})
