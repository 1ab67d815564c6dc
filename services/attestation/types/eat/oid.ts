/** An object identifier in dotted form. */
const DOTTED = /^[0-2](?:\.(?:0|[1-9]\d{0,8})){1,15}$/

/**
 * Encodes an object identifier in dotted form as the contents of its BER encoding (RFC 9090 section 2). Returns
 * undefined for every other text.
 */
export function encodeOid(text: string): Uint8Array | undefined {
  const [first = 0, second = 0, ...others] = DOTTED.test(text) ? text.split('.').map(Number) : []
  if (!DOTTED.test(text) || (first < 2 && second > 39)) return undefined
  return Uint8Array.from([40 * first + second, ...others].flatMap(encodeArc))
}

/** In groups of seven bits. All but the last have the highest bit. */
function encodeArc(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let rest = Math.floor(arc / 0x80); rest > 0; rest = Math.floor(rest / 0x80)) bytes.unshift(0x80 | (rest & 0x7f))
  return bytes
}
