import { type DescMessage, isMessage, type Message, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** The bytes of a frozen message; if it is a field, with the field's tag and length. */
const encoded = new WeakMap<Message, { readonly field: number; readonly bytes: Uint8Array }>()

/** The number of no field. */
const NONE = 0

/**
 * Encodes a message. For a frozen message, it keeps the bytes as long as the message exists, because many answers may
 * be this message or have it as a field. All parts of a frozen message must be frozen too.
 *
 * The bytes of frozen fields follow all other fields. Parsers accept fields in any order (Protocol Buffers,
 * "Encoding").
 */
export function encodeOnce(desc: DescMessage, message: Message): Uint8Array {
  if (Object.isFrozen(message)) return known(desc, message, NONE)
  const rest: Record<string, unknown> & Message = { ...message }
  const kept: Uint8Array[] = []
  for (const field of desc.fields) {
    const value = rest[field.localName]
    if (field.fieldKind !== 'message' || !isMessage(value, field.message) || !Object.isFrozen(value)) continue
    kept.push(known(field.message, value, field.number))
    delete rest[field.localName]
  }
  const bytes = toBinary(desc, kept.length === 0 ? message : rest)
  return kept.length === 0 ? bytes : Buffer.concat([bytes, ...kept])
}

function known(desc: DescMessage, message: Message, field: number): Uint8Array {
  const before = encoded.get(message)
  if (before?.field === field) return before.bytes
  const plain = toBinary(desc, message)
  const bytes = field === NONE ? plain : new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(plain).finish()
  encoded.set(message, { field, bytes })
  return bytes
}
