const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/** Verifies ES256 (RFC 7518 section 3.4). `publicKey` is an uncompressed point. Never rejects. */
export async function verifyP256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', Uint8Array.from(publicKey), KEY, false, ['verify'])
    return await crypto.subtle.verify(SIGNATURE, key, Uint8Array.from(signature), Uint8Array.from(message))
  } catch {
    // The point is not on the curve.
    return false
  }
}
