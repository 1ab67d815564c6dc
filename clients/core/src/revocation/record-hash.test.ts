import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { recordHash } from './record-hash.ts'

const RECORD = {
  logEpoch: 2,
  sequence: 41,
  kind: 'agent',
  operatorId: '3f0e7c1a-0000-4000-8000-000000000001',
  subject: 'did:agent:acme.example:00',
  minimumEpoch: 7,
  expiresAt: 1_800_000_000_123,
  recordedAt: 1_799_999_000_456,
  previousHash: 'ab'.repeat(32),
}

it('recordHash returns SHA-256 over the previous hash and the fields, one field a line', () => {
  const lines =
    '2\n41\nagent\n3f0e7c1a-0000-4000-8000-000000000001\ndid:agent:acme.example:00\n7\n1800000000123\n1799999000456'
  const bytes = Buffer.concat([Buffer.alloc(32, 0xab), Buffer.from(lines)])
  expect(recordHash(RECORD)).toBe(createHash('sha256').update(bytes).digest('hex'))
})

it('recordHash hashes the first record with an empty previous hash', () => {
  const lines = '1\n1\ntoken\n\njti\n0\n2\n1'
  const first = { ...RECORD, logEpoch: 1, sequence: 1, kind: 'token', operatorId: '', subject: 'jti', minimumEpoch: 0 }
  const hash = recordHash({ ...first, expiresAt: 2, recordedAt: 1, previousHash: '' })
  expect(hash).toBe(createHash('sha256').update(lines).digest('hex'))
})

it.each(Object.keys(RECORD))('recordHash depends on %s', (field) => {
  const value = RECORD[field as keyof typeof RECORD]
  const other = typeof value === 'number' ? value + 1 : value.replace(/.$/, '2')
  expect(recordHash({ ...RECORD, [field]: other })).not.toBe(recordHash(RECORD))
})
