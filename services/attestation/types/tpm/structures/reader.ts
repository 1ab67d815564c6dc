import { RefusedEvidence } from '../../attestor-type.ts'

/** Reads the fields of a structure one after another. Refuses a field that the bytes do not contain whole. */
export class FieldReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #name: string
  readonly #isLittleEndian: boolean
  #at = 0

  /** `name` is how messages name the structure. A TPM is big-endian, its event log is little-endian. */
  constructor(bytes: Uint8Array, name: string, isLittleEndian = false) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#name = name
    this.#isLittleEndian = isLittleEndian
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.#isLittleEndian)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.#isLittleEndian)
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Reads a TPM2B: the size in two bytes, at most `max`, then the bytes. */
  sized(max: number): Uint8Array {
    const size = this.u16()
    if (size > max) this.refuse(`must not contain a field of ${size} bytes where ${max} are allowed`)
    return this.bytes(size)
  }

  /** Throws RefusedEvidence. `demand` continues the name of the structure. */
  refuse(demand: string): never {
    throw new RefusedEvidence(`${this.#name} ${demand}`)
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.left) this.refuse('must not end inside a field')
    this.#at += length
    return at
  }
}

/** Reads a structure. Refuses bytes after its end, because nobody would have checked them. */
export function readWhole<T>(reader: FieldReader, read: (reader: FieldReader) => T): T {
  const value = read(reader)
  if (reader.left > 0) reader.refuse(`must not have ${reader.left} bytes after its end`)
  return value
}
