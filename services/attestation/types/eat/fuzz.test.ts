import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { appraiseEat, EAT_KEY, signEatCwt, signEatJwt } from '../../../../test/support/attestation/eat-tokens.ts'
import { RefusedEvidence } from '../attestor-type.ts'

const JWT = signEatJwt(EAT_KEY)
const CWT = signEatCwt(EAT_KEY)

/** Replaces, leaves out or inserts some bytes of a token. */
function mutations(token: Uint8Array, byte: fc.Arbitrary<number>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(token.length - 1), gone: fc.nat(3), bytes: fc.array(byte, { maxLength: 3 }) })
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) =>
      Uint8Array.from(edits.reduce((all, { at, gone, bytes }) => all.toSpliced(at, gone, ...bytes), [...token])),
    )
    .filter((mutated) => Buffer.compare(mutated, token) !== 0)
}

describe('appraise of eat', () => {
  const ascii = fc.constantFrom(...Buffer.from('ABCabc019-_.='))
  it.each<[string, fc.Arbitrary<Uint8Array>]>([
    ['a mutated JWT', mutations(JWT, ascii)],
    ['a JWT mutated to any bytes', mutations(JWT, fc.nat(255))],
    ['a mutated CWT', mutations(CWT, fc.nat(255))],
    ['a CWT that is cut off', fc.nat(CWT.length - 1).map((length) => CWT.slice(0, length))],
    ['a JWT that is cut off', fc.nat(JWT.length - 1).map((length) => JWT.slice(0, length))],
    ['any bytes', fc.uint8Array({ maxLength: 200 })],
    [
      'any bytes with the tag of a COSE_Sign1',
      fc.uint8Array({ maxLength: 99 }).map((rest) => Uint8Array.of(0xd2, 0x84, ...rest)),
    ],
  ])('refuses %s with RefusedEvidence', async (_name, tokens) => {
    await fc.assert(
      fc.asyncProperty(tokens, async (token) => {
        await expect(appraiseEat(token)).rejects.toBeInstanceOf(RefusedEvidence)
      }),
      { numRuns: 300 },
    )
  })
})
