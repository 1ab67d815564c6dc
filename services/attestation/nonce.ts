import { randomBytes, timingSafeEqual } from 'node:crypto'
import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type HmacKey, hmacSha256 } from '../platform/crypto/hmac.ts'

/** The calls for which an agent can attest: RegisterAgent, Attest, and a request for a token. */
export const PURPOSES = ['enrol', 'attest', 'token'] as const

/** The call for which an agent attests. */
export type Purpose = (typeof PURPOSES)[number]

/** For what a nonce is. */
export interface NonceScope {
  readonly purpose: Purpose
  readonly operatorId: string
  /** RFC 7638 thumbprint of the agent's key. */
  readonly thumbprint: string
}

/** A nonce that this server has made. */
export interface Nonce {
  /** 32 bytes. */
  readonly bytes: Uint8Array
  /** The same as base64url. */
  readonly text: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

const TIME_BYTES = 6
const RANDOM_BYTES = 10
const HEAD_BYTES = TIME_BYTES + RANDOM_BYTES
/** Evidence of a TPM can carry 64 bytes at most, and an EAT too, so the MAC is half as long as usual. */
const MAC_BYTES = 16

/**
 * Makes a nonce: its expiry, 10 random bytes, and a MAC over these and its scope. The server stores nothing.
 *
 * @param expiresAt Unix milliseconds
 */
export function sealNonce(key: HmacKey, scope: NonceScope, expiresAt: number): Nonce {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUIntBE(expiresAt, 0, TIME_BYTES)
  randomBytes(RANDOM_BYTES).copy(head, TIME_BYTES)
  const bytes = Buffer.concat([head, macOf(key, scope, head)])
  return { bytes, text: encodeBase64url(bytes), expiresAt }
}

/**
 * Opens a nonce. Returns undefined unless this server has made it for this scope. The caller checks the expiry.
 */
export function openNonce(key: HmacKey, scope: NonceScope, text: string): Nonce | undefined {
  const bytes = decodeBase64url(text)
  if (bytes?.length !== HEAD_BYTES + MAC_BYTES) return undefined
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES))
  if (!timingSafeEqual(macOf(key, scope, head), bytes.subarray(HEAD_BYTES))) return undefined
  return { bytes, text, expiresAt: head.readUIntBE(0, TIME_BYTES) }
}

function macOf(key: HmacKey, { purpose, operatorId, thumbprint }: NonceScope, head: Uint8Array): Buffer {
  // No part contains a line feed, so the parts cannot run into each other.
  const scope = Buffer.from(`attestation nonce\n${purpose}\n${operatorId}\n${thumbprint}\n`)
  return hmacSha256(key, scope, head).subarray(0, MAC_BYTES)
}
