import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'

const encoded = new WeakMap<Message, Uint8Array>()

/**
 * Encodes a message. For a frozen message, it keeps the bytes as long as the message exists, because many answers may
 * be this message. All parts of a frozen message must be frozen too.
 */
export function encodeOnce(desc: DescMessage, message: Message): Uint8Array {
  if (!Object.isFrozen(message)) return toBinary(desc, message)
  const known = encoded.get(message)
  if (known !== undefined) return known
  const bytes = toBinary(desc, message)
  encoded.set(message, bytes)
  return bytes
}
