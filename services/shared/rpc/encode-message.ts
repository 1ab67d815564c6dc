import { type DescField, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

type MessageField = DescField & { readonly fieldKind: 'message' }

const fieldsOf = new WeakMap<DescMessage, readonly MessageField[]>()
const encoded = new WeakMap<object, Uint8Array>()

/**
 * Encodes a message, in pieces that follow each other. Many messages may share a part that is frozen, and so is all within it: its bytes
 * are kept as long as it is. Fields may stand in any order.
 */
export function encodeMessage(desc: DescMessage, message: Message): readonly Uint8Array[] {
  const values = message as Message & Record<string, unknown>
  const pieces: Uint8Array[] = []
  let own = values
  for (const field of messageFields(desc)) {
    const part = values[field.localName]
    if (!Object.isFrozen(part) || part === undefined) continue
    pieces.push(encodeOnce(field, part as Message))
    if (own === values) own = { ...values }
    own[field.localName] = undefined
  }
  pieces.push(toBinary(desc, own))
  return pieces
}

/** The fields that hold one message. */
function messageFields(desc: DescMessage): readonly MessageField[] {
  const known = fieldsOf.get(desc)
  if (known !== undefined) return known
  const found = desc.fields.filter((field): field is MessageField => field.fieldKind === 'message')
  fieldsOf.set(desc, found)
  return found
}

/** A field that holds this part. */
function encodeOnce({ number, message }: MessageField, part: Message): Uint8Array {
  const known = encoded.get(part)
  if (known !== undefined) return known
  const field = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(toBinary(message, part)).finish()
  encoded.set(part, field)
  return field
}
