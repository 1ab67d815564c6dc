import type { Verdict } from './session-pool.ts'

/**
 * Return values that mean that the session, or its state, is lost, so the work may succeed in a new session. Return
 * values for an invalid handle are included, because an object may have another handle after a new login.
 */
const LOST = new Set([
  'CKR_CRYPTOKI_NOT_INITIALIZED',
  'CKR_DEVICE_REMOVED',
  'CKR_KEY_HANDLE_INVALID',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_OPERATION_ACTIVE',
  'CKR_OPERATION_NOT_INITIALIZED',
  'CKR_SESSION_CLOSED',
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_USER_NOT_LOGGED_IN',
])

/** Returns the PKCS #11 return value of an error (`CKR_PIN_INCORRECT`); undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  // pkcs11js does not wrap every error of its addon, but every message begins with the name of the return value.
  return error instanceof Error ? /^CKR_[A-Z0-9_]+/.exec(error.message)?.[0] : undefined
}

/** Returns whether a session is still usable after an error. */
export function judgeError(error: unknown): Verdict {
  const code = codeOf(error)
  if (code === undefined) return 'sound'
  return LOST.has(code) ? 'lost' : 'broken'
}

/** Returns the text of an error for the log: the PKCS #11 return value, or else the message. */
export function describeError(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.message : 'unknown')
}

/** Makes a call and ignores its PKCS #11 errors. Throws all other errors. */
export function attemptCall(call: () => void): void {
  try {
    call()
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
}
