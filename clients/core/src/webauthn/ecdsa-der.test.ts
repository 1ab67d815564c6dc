import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ecdsaFromDer } from './ecdsa-der.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const int = (bytes: string) => `02 ${hex(bytes).length.toString(16).padStart(2, '0')} ${bytes}`
const sequence = (...parts: string[]) => {
  const content = hex(parts.join(''))
  return Buffer.concat([Buffer.of(0x30, content.length), content])
}
const HIGH = `00${'f'.repeat(64)}`
const LOW = '7f'.repeat(32)

describe('ecdsaFromDer', () => {
  it.each([
    ['the smallest numbers', sequence(int('01'), int('02')), `${'00'.repeat(31)}01${'00'.repeat(31)}02`],
    ['numbers with a sign byte', sequence(int(HIGH), int('0080')), `${'f'.repeat(64)}${'00'.repeat(31)}80`],
    ['the longest numbers', sequence(int(LOW), int(HIGH)), LOW + 'f'.repeat(64)],
  ])('converts %s', (_name, der, raw) => {
    expect(ecdsaFromDer(der)).toEqual(Uint8Array.from(hex(raw)))
  })

  it('converts what node:crypto signs into what node:crypto verifies', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (let at = 0; at < 300; at += 1) {
      const message = Buffer.from(String(at))
      const raw = ecdsaFromDer(sign('sha256', message, privateKey)) ?? new Uint8Array()
      expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true)
    }
  })

  it.each([
    ['nothing', hex('')],
    ['64 bytes', hex('01'.repeat(64))],
    ['a set in place of a sequence', hex('31 06 020101 020102')],
    ['a length in two bytes', hex('30 81 06 020101 020102')],
    ['an indefinite length', hex('30 80 020101 020102 0000')],
    ['a length that is too small', hex('30 05 020101 020102')],
    ['a length that is too large', hex('30 07 020101 020102')],
    ['a byte after the sequence', hex('30 06 020101 020102 00')],
    ['a byte after the numbers', sequence(int('01'), int('02'), '00')],
    ['a third number', sequence(int('01'), int('02'), int('03'))],
    ['one number', sequence(int('01'))],
    ['no number', sequence()],
    ['zero as R', sequence(int('00'), int('02'))],
    ['zero as S', sequence(int('01'), int('00'))],
    ['a negative number', sequence(int('ff'), int('02'))],
    ['a superfluous zero byte', sequence(int('0001'), int('02'))],
    ['two zero bytes', sequence(int('01'), int('000080'))],
    ['an empty number', sequence('02 00', int('02'))],
    ['a number of 33 bytes', sequence(int('01'.repeat(33)), int('02'))],
    ['a number that ends after the signature', hex('30 06 020101 020402')],
    ['a text in place of a number', sequence(int('01'), '0c 01 02')],
  ])('refuses %s', (_name, der) => {
    expect(ecdsaFromDer(der)).toBeUndefined()
  })
})
