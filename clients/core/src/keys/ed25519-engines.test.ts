import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { Point } from '@noble/ed25519'
import { describe, expect, it } from 'vitest'
import { verify } from './ed25519.ts'
import { nodeEngine } from './ed25519-node.ts'
import { loadSodiumEngine } from './ed25519-sodium.ts'

const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n
const SIGN_BIT = 1n << 255n
const CASES = 200
const sodiumEngine = loadSodiumEngine()
const ENGINES = [sodiumEngine, nodeEngine]

const sha512 = (...parts: Uint8Array[]) => createHash('sha512').update(Buffer.concat(parts)).digest()
const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
const toBytes = (number: bigint) => Buffer.from(Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed())
const scalar = (...parts: Uint8Array[]) => toNumber(sha512(...parts)) % L

/** y of the points of small order. p and p + 1 are second encodings of 0 and 1. */
const SMALL_Y = [
  0n,
  1n,
  P - 1n,
  P,
  P + 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]
/** Every encoding of a point of small order, canonical or not. */
const SMALL = SMALL_Y.flatMap((y) => [toBytes(y), toBytes(y | SIGN_BIT)])
/** All encodings that are not canonical: y from p to 2^255 - 1. */
const NOT_CANONICAL = Array.from({ length: 19 }, (_, i) => P + BigInt(i)).flatMap((y) => [
  toBytes(y),
  toBytes(y | SIGN_BIT),
])

/** The values of one case. They are the same in every run. */
interface Draw {
  readonly bytes: (what: string, length: number) => Buffer
  /** Returns a number below `end`. */
  readonly number: (what: string, end: number) => number
  readonly seed: Buffer
  readonly a: bigint
  readonly A: Point
  readonly r: bigint
  readonly R: Point
  readonly T: Point
  readonly message: Buffer
}

function draw(index: number): Draw {
  const bytes = (what: string, length: number) =>
    createHash('shake256', { outputLength: Math.max(1, length) })
      .update(`${what} ${index}`)
      .digest()
      .subarray(0, length)
  const number = (what: string, end: number) => bytes(what, 4).readUInt32LE() % end
  const seed = bytes('seed', 32)
  const half = sha512(seed).subarray(0, 32)
  half.writeUInt8(half.readUInt8(0) & 248, 0)
  half.writeUInt8((half.readUInt8(31) & 127) | 64, 31)
  const [a, r] = [toNumber(half) % L, scalar(bytes('r', 32))]
  const [A, R] = [Point.BASE.multiply(a), Point.BASE.multiply(r)]
  const T = Point.fromBytes(SMALL[number('T', SMALL.length)] ?? SMALL[0] ?? Buffer.alloc(32), true)
  return { bytes, number, seed, a, A, r, R, T, message: bytes('message', number('length', 1000)) }
}

interface Case {
  readonly key: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** Makes a signature that satisfies the equation without cofactor, except for the torsion in R and A. */
function solve({ a, r, message }: Draw, R: Uint8Array, A: Uint8Array, nonce = r): Case {
  return { key: A, message, signature: Buffer.concat([R, toBytes((nonce + scalar(R, A, message) * a) % L)]) }
}

const honest = (d: Draw): Case => solve(d, d.R.toBytes(), d.A.toBytes())

function flip(bytes: Uint8Array, bit: number): Buffer {
  const changed = Buffer.from(bytes)
  if (changed.length > 0) changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return changed
}

const addToS = ({ signature, ...rest }: Case, added: bigint): Case => ({
  ...rest,
  signature: Buffer.concat([signature.subarray(0, 32), toBytes(toNumber(signature.subarray(32)) + added)]),
})

const pick = (d: Draw, list: readonly Buffer[]): Buffer => list[d.number('pick', list.length)] ?? Buffer.alloc(32)
const withR = (from: Case, R: Uint8Array): Case => ({
  ...from,
  signature: Buffer.concat([R, from.signature.subarray(32)]),
})

/** Ways to make a case, and how many the engines accept. `some`: one in eight, where the torsion cancels out. */
const WAYS: readonly [string, 'all' | 'some' | 'none', (draw: Draw) => Case][] = [
  ['an honest signature', 'all', honest],
  ['a bit of R flipped', 'none', (d) => ({ ...honest(d), signature: flip(honest(d).signature, d.number('bit', 256)) })],
  [
    'a bit of S flipped',
    'none',
    (d) => ({ ...honest(d), signature: flip(honest(d).signature, 256 + d.number('bit', 256)) }),
  ],
  ['a bit of the key flipped', 'none', (d) => ({ ...honest(d), key: flip(d.A.toBytes(), d.number('bit', 256)) })],
  ['a longer message', 'none', (d) => ({ ...honest(d), message: Buffer.concat([d.message, Buffer.alloc(1)]) })],
  ['S + L', 'none', (d) => addToS(honest(d), L)],
  ['S + kL, up to 15', 'none', (d) => addToS(honest(d), L * BigInt(1 + d.number('k', 14)))],
  ['S = L', 'none', (d) => addToS(withR({ ...honest(d), signature: Buffer.alloc(64) }, d.R.toBytes()), L)],
  ['R of small order, the equation holds', 'none', (d) => solve(d, pick(d, SMALL), d.A.toBytes(), 0n)],
  ['R with torsion, [8] times the equation holds', 'some', (d) => solve(d, d.R.add(d.T).toBytes(), d.A.toBytes())],
  ['R not canonical', 'none', (d) => solve(d, pick(d, NOT_CANONICAL), d.A.toBytes())],
  ['random bytes for R', 'none', (d) => withR(honest(d), d.bytes('R', 32))],
  ['a key of small order', 'none', (d) => solve({ ...d, a: 0n }, d.R.toBytes(), pick(d, SMALL))],
  ['key and R of small order', 'none', (d) => solve({ ...d, a: 0n }, pick(d, SMALL), pick(d, SMALL), 0n)],
  ['a key with torsion', 'some', (d) => solve(d, d.R.toBytes(), d.A.add(d.T).toBytes())],
  ['a key and R with torsion', 'some', (d) => solve(d, d.R.add(d.T).toBytes(), d.A.add(d.T).toBytes())],
  ['a key that is not canonical', 'none', (d) => solve(d, d.R.toBytes(), pick(d, NOT_CANONICAL))],
  [
    'a random key and signature',
    'none',
    (d) => ({ key: d.bytes('key', 32), message: d.message, signature: d.bytes('sig', 64) }),
  ],
]

describe('Ed25519 engines', () => {
  it('include libsodium and node:crypto on this machine', () => {
    expect(ENGINES.map(({ name }) => name)).toEqual(['libsodium', 'node:crypto'])
  })

  it.each(WAYS)(`agree on ${CASES} cases of %s and accept %s`, (_name, accepted, make) => {
    const cases = Array.from({ length: CASES }, (_, index) => make(draw(index)))
    const [bySodium, byNode] = ENGINES.map((engine) =>
      cases.map(({ key, message, signature }) => verify(engine.importPublicKey(key), message, signature)),
    )
    expect(bySodium).toEqual(byNode)
    const count = byNode?.filter(Boolean).length ?? 0
    expect(count === CASES ? 'all' : count === 0 ? 'none' : 'some').toBe(accepted)
  })

  it.each(ENGINES)('$name: verify refuses signatures of another length than 64 bytes', (engine) => {
    const { key, message, signature } = honest(draw(0))
    const lengths = Array.from({ length: 130 }, (_, length) => length)
    const padded = Buffer.concat([signature, Buffer.alloc(66)])
    const loaded = engine.importPublicKey(key)
    expect(lengths.filter((length) => verify(loaded, message, padded.subarray(0, length)))).toEqual([64])
  })

  it('return the same public keys and signatures', () => {
    for (let index = 0; index < CASES; index++) {
      const { seed, message } = draw(index)
      const [bySodium, byNode] = ENGINES.map((engine) => engine.importSeed(seed))
      expect(Buffer.compare(bySodium?.publicKey ?? seed, byNode?.publicKey ?? message)).toBe(0)
      expect(Buffer.compare(bySodium?.sign(message) ?? seed, byNode?.sign(message) ?? message)).toBe(0)
    }
  })

  it.each(ENGINES)('$name: reads views of every kind, and the empty message', (engine) => {
    const pair = engine.importSeed(draw(0).seed)
    const inside = new Uint8Array(Buffer.alloc(99, 7).buffer, 3, 40)
    for (const message of [inside, new Uint8Array(), Buffer.from(inside)]) {
      const signature = Buffer.concat([Buffer.alloc(5), pair.sign(message)]).subarray(5)
      expect(verify(engine.importPublicKey(pair.publicKey), message, signature)).toBe(true)
    }
  })

  it.each(ENGINES)('$name: keeps its own copies of a public key and a seed', (engine) => {
    const { seed, message } = draw(0)
    const pair = engine.importSeed(seed)
    const expected = pair.sign(message)
    seed.fill(0)
    const raw = Uint8Array.from(pair.publicKey)
    const key = engine.importPublicKey(raw)
    raw.fill(0)
    expect(Buffer.compare(pair.sign(message), expected)).toBe(0)
    expect(verify(key, message, expected)).toBe(true)
  })

  it.each(ENGINES)('$name: does not print the secret of a key', (engine) => {
    const { seed } = draw(0)
    const pair = engine.importSeed(seed)
    const shown = `${inspect(pair, { depth: null, showHidden: true, getters: true })} ${JSON.stringify(pair)}`
    // The name shows that the key itself was printed.
    expect(shown).toContain('sign')
    for (const form of [
      inspect(seed).slice(8, 40),
      [...seed.subarray(0, 8)].join(','),
      [...seed.subarray(0, 8)].join(', '),
    ]) {
      expect(shown).not.toContain(form)
    }
    expect(Reflect.ownKeys(pair)).toEqual(['publicKey', 'sign'])
  })
})
