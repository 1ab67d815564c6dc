import { decodeUtf8 } from '@auth4agent/core/encoding/utf8'
import { RefusedEvidence } from '../attestor-type.ts'

/** A value of CBOR (RFC 8949), as far as tokens need it. Integers are in the safe range of JavaScript. */
export type CborValue = number | boolean | null | string | Uint8Array | readonly CborValue[] | CborMap | CborTag

/** A map. Its keys are integers or texts. */
export type CborMap = ReadonlyMap<number | string, CborValue>

/** A tagged value. */
export interface CborTag {
  readonly tag: number
  readonly value: CborValue
}

/** The initial byte of an item, with its argument (RFC 8949 section 3). */
interface Head {
  readonly major: number
  readonly argument: number
}

const MAX_DEPTH = 16
const MAX_ITEMS = 4_096
/** Sizes of arguments in bytes, by the additional information, and the smallest argument that needs this size. */
const ARGUMENTS: Readonly<Record<number, readonly [bytes: number, least: number]>> = {
  24: [1, 24],
  25: [2, 0x100],
  26: [4, 0x1_0000],
  27: [8, 0x1_0000_0000],
}
const SIMPLE: Readonly<Record<number, boolean | null>> = { 20: false, 21: true, 22: null }
const [UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG] = [0, 1, 2, 3, 4, 5, 6]

/**
 * Decodes one item of CBOR, and refuses what two decoders could read differently or what no token needs: bytes after
 * the item, lengths and integers that are not as short as possible, indefinite lengths, duplicate keys, keys that are
 * neither integers nor texts, integers beyond 2^53, floating-point numbers, undefined, texts that are not UTF-8, and
 * tags that `tags` does not list. Keys may be in any order. The result is at most 16 levels deep and has at most 4,096
 * items.
 *
 * @throws RefusedEvidence
 */
export function decodeCbor(bytes: Uint8Array, name: string, tags: readonly number[] = []): CborValue {
  const reader = new CborReader(bytes, name, tags)
  const value = reader.readItem(1)
  reader.end()
  return value
}

/** Tells whether a decoded value has a tag. */
export function isTag(value: CborValue | undefined): value is CborTag {
  return typeof value === 'object' && value !== null && 'tag' in value
}

class CborReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #name: string
  readonly #tags: readonly number[]
  #at = 0
  #items = 0

  constructor(bytes: Uint8Array, name: string, tags: readonly number[]) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#name = name
    this.#tags = tags
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#refusal('must not have bytes after its CBOR')
  }

  readItem(depth: number): CborValue {
    if (depth > MAX_DEPTH) throw this.#refusal(`must not be nested deeper than ${MAX_DEPTH} levels`)
    this.#items += 1
    if (this.#items > MAX_ITEMS) throw this.#refusal(`must have at most ${MAX_ITEMS} items of CBOR`)
    const { major, argument } = this.#readHead()
    if (major === UINT) return argument
    if (major === NINT) return -1 - argument
    if (major === BYTES) return this.#take(argument)
    if (major === TEXT) return this.#readText(argument)
    if (major === ARRAY) return this.#readArray(argument, depth)
    if (major === MAP) return this.#readMap(argument, depth)
    if (major === TAG) return this.#readTag(argument, depth)
    return this.#readSimple(argument)
  }

  #readHead(): Head {
    const initial = this.#take(1)[0] ?? 0
    const [major, info] = [initial >> 5, initial & 31]
    if (info < 24) return { major, argument: info }
    if (info === 31) throw this.#refusal('must not have items of indefinite length')
    const size = ARGUMENTS[info]
    if (size === undefined) throw this.#refusal('must be well-formed CBOR')
    // Here the argument of major type 7 is a floating-point number, or a simple value that no token needs.
    if (major === 7) throw this.#refusal('must not have floating-point numbers')
    const [bytes, least] = size
    const argument = this.#readArgument(bytes)
    if (argument < least) throw this.#refusal('must have lengths and integers in their shortest form')
    return { major, argument }
  }

  #readArgument(bytes: number): number {
    const at = this.#at
    this.#take(bytes)
    if (bytes === 1) return this.#view.getUint8(at)
    if (bytes === 2) return this.#view.getUint16(at)
    if (bytes === 4) return this.#view.getUint32(at)
    const argument = Number(this.#view.getBigUint64(at))
    // Also for negative integers: -1 - argument must be safe.
    if (argument < Number.MAX_SAFE_INTEGER) return argument
    throw this.#refusal('must not have integers beyond 2^53')
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#refusal('must not end within an item of CBOR')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #readText(length: number): string {
    const text = decodeUtf8(this.#take(length))
    if (text === undefined) throw this.#refusal('must have only texts that are UTF-8')
    return text
  }

  #readArray(length: number, depth: number): readonly CborValue[] {
    const items: CborValue[] = []
    while (items.length < length) items.push(this.readItem(depth + 1))
    return items
  }

  #readMap(length: number, depth: number): CborMap {
    const map = new Map<number | string, CborValue>()
    while (map.size < length) {
      const key = this.readItem(depth + 1)
      if (typeof key !== 'number' && typeof key !== 'string') {
        throw this.#refusal('must have only integers and texts as keys of maps')
      }
      if (map.has(key)) throw this.#refusal('must not have a map with duplicate keys')
      map.set(key, this.readItem(depth + 1))
    }
    return map
  }

  #readTag(tag: number, depth: number): CborTag {
    if (!this.#tags.includes(tag)) throw this.#refusal(`must not have the CBOR tag ${tag} here`)
    return { tag, value: this.readItem(depth + 1) }
  }

  #readSimple(value: number): boolean | null {
    const simple = SIMPLE[value]
    if (simple === undefined) throw this.#refusal('must not have simple values besides false, true and null')
    return simple
  }

  #refusal(demand: string): RefusedEvidence {
    return new RefusedEvidence(`The ${this.#name} ${demand}`)
  }
}
