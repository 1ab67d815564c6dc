import { type DescField, type DescMessage, isMessage, type Message, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** A field that holds one message. */
interface Part {
  readonly localName: string
  /** The field with a message that is frozen. */
  readonly encode: (message: Message) => Uint8Array
}

const partsOf = new WeakMap<DescMessage, readonly Part[]>()

/**
 * Encodes a message, in pieces that follow each other. Many messages may share a part that is frozen, and so is all within it: its bytes
 * are kept as long as it is. Fields may stand in any order.
 */
export function encodeMessage(desc: DescMessage, message: Message): readonly Uint8Array[] {
  const values = message as Message & Record<string, unknown>
  const pieces: Uint8Array[] = []
  let own = values
  for (const { localName, encode } of findParts(desc)) {
    const part = values[localName]
    if (!isMessage(part) || !Object.isFrozen(part)) continue
    pieces.push(encode(part))
    if (own === values) own = { ...values }
    own[localName] = undefined
  }
  pieces.push(toBinary(desc, own))
  return pieces
}

function findParts(desc: DescMessage): readonly Part[] {
  const known = partsOf.get(desc)
  if (known !== undefined) return known
  const found = desc.fields.flatMap((field) => (field.fieldKind === 'message' ? [partOf(field, field.message)] : []))
  partsOf.set(desc, found)
  return found
}

function partOf({ localName, number }: DescField, desc: DescMessage): Part {
  const encoded = new WeakMap<Message, Uint8Array>()
  return {
    localName,
    encode(message) {
      const known = encoded.get(message)
      if (known !== undefined) return known
      const bytes = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(toBinary(desc, message)).finish()
      encoded.set(message, bytes)
      return bytes
    },
  }
}
