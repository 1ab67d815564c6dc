import { decode, encode } from 'cbor2'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RefusedEvidence } from '../attestor-type.ts'
import { decodeCbor } from './cbor.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const decodeHex = (text: string) => decodeCbor(hex(text), 'token', [18])

/** The options of another decoder that refuse most of the same. Its limits of depth count differently. */
const OTHER_DECODER = {
  requirePreferred: true,
  rejectDuplicateKeys: true,
  rejectStreaming: true,
  rejectBigInts: true,
  rejectFloats: true,
  rejectSimple: true,
  rejectUndefined: true,
  preferMap: true,
  ignoreGlobalTags: true,
}

describe('decodeCbor', () => {
  it.each<[string, string, unknown]>([
    ['0', '00', 0],
    ['23', '17', 23],
    ['24', '18 18', 24],
    ['256', '19 0100', 256],
    ['65,536', '1a 00010000', 65_536],
    ['2^32', '1b 0000000100000000', 2 ** 32],
    ['2^53 - 2', '1b 001ffffffffffffe', 2 ** 53 - 2],
    ['-1', '20', -1],
    ['-257', '39 0100', -257],
    ['-(2^53 - 1)', '3b 001ffffffffffffe', -(2 ** 53 - 1)],
    ['bytes', '43 010203', Uint8Array.of(1, 2, 3)],
    ['a text', '62 c3a4', 'ä'],
    ['an empty text', '60', ''],
    ['false, true and null', '83 f4 f5 f6', [false, true, null]],
    ['an empty map', 'a0', new Map()],
    [
      'a map with keys in any order',
      'a2 02 00 01 6161',
      new Map<unknown, unknown>([
        [2, 0],
        [1, 'a'],
      ]),
    ],
    [
      'the integer 1 and the text 1 as keys',
      'a2 01 00 6131 01',
      new Map<unknown, unknown>([
        [1, 0],
        ['1', 1],
      ]),
    ],
    ['a tag of the list', 'd2 00', { tag: 18, value: 0 }],
  ])('reads %s', (_name, text, value) => {
    expect(decodeHex(text)).toEqual(value)
  })

  it.each([
    ['duplicate integer keys', 'a2 01 00 01 01', 'must not have a map with duplicate keys'],
    ['duplicate text keys', 'a2 6161 00 6161 01', 'must not have a map with duplicate keys'],
    ['duplicate keys in an inner map', '81 a2 01 00 01 00', 'must not have a map with duplicate keys'],
    ['bytes of indefinite length', '5f 4101 ff', 'must not have items of indefinite length'],
    ['a text of indefinite length', '7f 6161 ff', 'must not have items of indefinite length'],
    ['an array of indefinite length', '9f 01 ff', 'must not have items of indefinite length'],
    ['a map of indefinite length', 'bf 01 01 ff', 'must not have items of indefinite length'],
    ['an integer with the bits of an indefinite length', '1f', 'must not have items of indefinite length'],
    ['a break alone', 'ff', 'must not have items of indefinite length'],
    ['17 levels of arrays', `${'81'.repeat(16)}00`, 'must not be nested deeper than 16 levels'],
    ['17 levels of maps', `${'a100'.repeat(16)}00`, 'must not be nested deeper than 16 levels'],
    ['10,000 levels', '81'.repeat(10_000), 'must not be nested deeper than 16 levels'],
    ['10,000 items', `99 2710 ${'00'.repeat(10_000)}`, 'must have at most 4096 items of CBOR'],
    ['bytes after the item', '00 00', 'must not have bytes after its CBOR'],
    ['no bytes', '', 'must not end within an item of CBOR'],
    ['a head without its argument', '18', 'must not end within an item of CBOR'],
    ['bytes that are cut off', '43 0102', 'must not end within an item of CBOR'],
    ['an array that is cut off', '82 00', 'must not end within an item of CBOR'],
    ['a map without its last value', 'a1 00', 'must not end within an item of CBOR'],
    ['the header of an array of 2^32 - 1 items', '9a ffffffff', 'must not end within an item of CBOR'],
    ['the header of an array of 2^53 - 2 items', '9b 001ffffffffffffe', 'must not end within an item of CBOR'],
    ['the header of a map of 2^53 - 2 pairs', 'bb 001ffffffffffffe', 'must not end within an item of CBOR'],
    ['the header of bytes of 2^64 - 1', '5b ffffffffffffffff', 'must not have integers beyond 2^53'],
    ['the header of a text of 2^32 - 1 bytes', '7a ffffffff', 'must not end within an item of CBOR'],
    ['1 in two bytes', '18 01', 'must have lengths and integers in their shortest form'],
    ['1 in three bytes', '19 0001', 'must have lengths and integers in their shortest form'],
    ['1 in five bytes', '1a 00000001', 'must have lengths and integers in their shortest form'],
    ['1 in nine bytes', '1b 0000000000000001', 'must have lengths and integers in their shortest form'],
    ['-1 in two bytes', '38 00', 'must have lengths and integers in their shortest form'],
    ['a length that is longer than needed', '58 01 00', 'must have lengths and integers in their shortest form'],
    ['a tag that is longer than needed', 'd8 12 00', 'must have lengths and integers in their shortest form'],
    ['2^53 - 1, beyond which -1 - n is not safe', '1b 001fffffffffffff', 'must not have integers beyond 2^53'],
    ['2^64 - 1', '1b ffffffffffffffff', 'must not have integers beyond 2^53'],
    ['-2^64', '3b ffffffffffffffff', 'must not have integers beyond 2^53'],
    ['a bignum', 'c2 41 01', 'must not have the CBOR tag 2 here'],
    ['an unknown tag', 'd9 03e7 00', 'must not have the CBOR tag 999 here'],
    ['the tag of self-described CBOR', 'd9 d9f7 00', 'must not have the CBOR tag 55799 here'],
    ['NaN', 'f9 7e00', 'must not have floating-point numbers'],
    ['1.0 as a half', 'f9 3c00', 'must not have floating-point numbers'],
    ['infinity as a single', 'fa 7f800000', 'must not have floating-point numbers'],
    ['1.1 as a double', 'fb 3ff199999999999a', 'must not have floating-point numbers'],
    ['undefined', 'f7', 'must not have simple values besides false, true and null'],
    ['simple value 0', 'e0', 'must not have simple values besides false, true and null'],
    ['simple value 255', 'f8 ff', 'must not have floating-point numbers'],
    ['false in two bytes', 'f8 14', 'must not have floating-point numbers'],
    ['reserved information 28', '1c', 'must be well-formed CBOR'],
    ['reserved information 30', 'fe', 'must be well-formed CBOR'],
    ['a text that is not UTF-8', '61 ff', 'must have only texts that are UTF-8'],
    ['a text with half of a surrogate pair', '63 eda080', 'must have only texts that are UTF-8'],
    ['a text with an overlong form', '62 c080', 'must have only texts that are UTF-8'],
    ['bytes as a key', 'a1 4101 00', 'must have only integers and texts as keys of maps'],
    ['an array as a key', 'a1 80 00', 'must have only integers and texts as keys of maps'],
    ['true as a key', 'a1 f5 00', 'must have only integers and texts as keys of maps'],
  ])('refuses %s', (_name, text, why) => {
    expect(() => decodeHex(text)).toThrow(RefusedEvidence)
    expect(() => decodeHex(text)).toThrow(`The token ${why}`)
  })

  it('reads everything that another encoder writes', () => {
    fc.assert(
      fc.property(someValue(), (value) => {
        expect(decodeCbor(encode(value), 'token')).toEqual(value)
      }),
    )
  })

  it('reads no bytes otherwise than another strict decoder, and throws only RefusedEvidence', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated(someValue().map((value) => encode(value))))
    fc.assert(
      fc.property(bytes, (encoded) => {
        const ours = read(() => decodeCbor(encoded, 'token'))
        const theirs = read(() => decode(encoded, OTHER_DECODER))
        if ('value' in ours) expect(theirs).toEqual(ours)
        else expect(ours.error).toBeInstanceOf(RefusedEvidence)
      }),
      { numRuns: 2_000 },
    )
  })
})

type Outcome = { readonly value: unknown } | { readonly error: unknown }

function read(decodeIt: () => unknown): Outcome {
  try {
    return { value: decodeIt() }
  } catch (error) {
    return { error }
  }
}

/** A value of those that tokens have. */
function someValue(): fc.Arbitrary<unknown> {
  const integer = fc.integer({ min: -(2 ** 53 - 1), max: 2 ** 53 - 2 })
  const text = fc.string({ unit: 'grapheme' }).filter((each) => each.isWellFormed())
  const scalar = fc.oneof(integer, text, fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 40 }))
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      scalar,
      fc.array(tie('value'), { maxLength: 30 }),
      fc.array(fc.tuple(fc.oneof(integer, text), tie('value')), { maxLength: 8 }).map((pairs) => new Map(pairs)),
    ),
  })).value
}

/** Bytes of which one is replaced, left out or doubled. */
function mutated(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes, fc.nat(), fc.nat(255), fc.nat(2)).map(([original, at, byte, kind]) => {
    const index = at % original.length
    const middle = [[byte], [], [original[index] ?? 0, original[index] ?? 0]][kind] ?? []
    return Uint8Array.from([...original.subarray(0, index), ...middle, ...original.subarray(index + 1)])
  })
}
