import { describe, expect, it } from 'vitest'
import { type QuoteFields, quoteOf } from '../../../../../test/support/tpm/encode.ts'
import { RefusedEvidence } from '../../attestor-type.ts'
import { readQuote } from './quote.ts'

const GOOD: QuoteFields = {
  signer: Buffer.alloc(34, 1),
  extraData: Buffer.alloc(32, 2),
  pcrDigest: Buffer.alloc(32, 3),
  pcrs: [0, 7, 8, 23],
}
const quote = (fields: Partial<QuoteFields> = {}) => quoteOf({ ...GOOD, ...fields })

describe('readQuote', () => {
  it('reads every field that counts', () => {
    expect(readQuote(quote())).toEqual({
      qualifiedSigner: GOOD.signer,
      extraData: GOOD.extraData,
      firmwareVersion: '0123456789abcdef',
      pcrs: [0, 7, 8, 23],
      pcrDigest: GOOD.pcrDigest,
    })
  })

  it('reads a quote whose clock is not safe', () => {
    expect(readQuote(quote({ safe: 0 })).pcrs).toEqual([0, 7, 8, 23])
  })

  it.each<[string, Buffer, string]>([
    ['no bytes', Buffer.alloc(0), 'quote must not end inside a field'],
    ['another magic number', quote({ magic: 0xff544346 }), 'quote must begin with the magic number of a TPM'],
    ['a certification of a key', quote({ type: 0x8017 }), 'quote must be a quote, and no other attestation'],
    ['a clock that is neither safe nor not', quote({ safe: 2 }), 'quote must have a clock that is safe or not'],
    ['the bank sha1', quote({ bank: 4 }), 'quote must select PCRs of the bank sha256 only'],
    ['no bank', quote({ selections: 0 }), 'quote must select PCRs of the bank sha256 only'],
    ['two banks', quote({ selections: 2 }), 'quote must select PCRs of the bank sha256 only'],
    ['no PCR', quote({ pcrs: [] }), 'quote must select at least one PCR'],
    ['32 PCRs', quote({ selectionBytes: 4 }), 'quote must select from 24 PCRs'],
    ['a selection without bytes', quote({ pcrs: [], selectionBytes: 0 }), 'quote must select from 24 PCRs'],
    ['too much extra data', quote({ extraData: Buffer.alloc(65) }), 'must not contain a field of 65 bytes where 64'],
    ['too long a name', quote({ signer: Buffer.alloc(67) }), 'must not contain a field of 67 bytes where 66'],
    ['bytes after the end', Buffer.concat([quote(), Buffer.of(0)]), 'quote must not have 1 bytes after its end'],
    ['a cut end', quote().subarray(0, -1), 'quote must not end inside a field'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => readQuote(bytes)).toThrow(message)
    expect(() => readQuote(bytes)).toThrow(RefusedEvidence)
  })
})
