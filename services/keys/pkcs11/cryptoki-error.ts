import type { Verdict } from './session-pool.ts'

/**
 * What a token says when the session is gone, or what the session knew of it: another session may do. An object whose handle is
 * no longer valid may have another handle since a new login.
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

/** The return value of PKCS#11 that an error is about (`CKR_PIN_INCORRECT`); undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  // pkcs11js does not wrap all errors of its addon, but the messages of all begin with the name.
  return error instanceof Error ? /^CKR_[A-Z0-9_]+/.exec(error.message)?.[0] : undefined
}

/** What an error means for the session that it happened in. */
export function judgeError(error: unknown): Verdict {
  const code = codeOf(error)
  if (code === undefined) return 'sound'
  return LOST.has(code) ? 'lost' : 'broken'
}

/** What a log may say of an error. */
export function describeError(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.message : 'unknown')
}

/** Makes a call that is of no consequence when the token cannot carry it out. Throws what is no error of PKCS#11. */
export function attemptCall(call: () => void): void {
  try {
    call()
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
}
