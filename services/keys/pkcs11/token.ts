import type { Handle, PKCS11 } from 'pkcs11js'
import { StartupError } from '../../platform/errors/startup-error.ts'
import { MECHANISMS } from './algorithms.ts'
import { CKF, CKM, CKU_USER } from './constants.ts'
import { initialize, inTurn } from './cryptoki.ts'
import { attemptCall, codeOf } from './cryptoki-error.ts'

/** A session with a hardware token, logged in. */
export interface Session {
  readonly calls: PKCS11
  readonly handle: Handle
  /**
   * Handles of private keys by hexadecimal CKA_ID. All sessions of one login share these handles. After a new login,
   * the same handles may belong to other objects.
   */
  readonly keys: Map<string, Handle>
}

/** Names a hardware token, and the PIN to log in to it. */
export interface TokenAccess {
  readonly tokenLabel: string
  readonly pin: string
}

/** Return values with which a hardware token refuses a PIN, and their explanations. */
const PIN_REFUSALS = new Map([
  ['CKR_PIN_INCORRECT', 'AUTH4AGENT_PKCS11_PIN must be its PIN'],
  ['CKR_PIN_INVALID', 'AUTH4AGENT_PKCS11_PIN must be its PIN'],
  ['CKR_PIN_LEN_RANGE', 'AUTH4AGENT_PKCS11_PIN must be its PIN'],
  ['CKR_PIN_EXPIRED', 'its PIN has expired'],
  ['CKR_PIN_LOCKED', 'its PIN is locked after too many wrong PINs'],
  ['CKR_USER_PIN_NOT_INITIALIZED', 'its user has no PIN yet'],
])

/**
 * Creates the function that opens sessions. The function searches for the hardware token each time, because the slot
 * may have changed. It never tries a refused PIN again, because a hardware token locks its PIN after a few refusals.
 */
export function createSessionOpener(calls: PKCS11, { tokenLabel, pin }: TokenAccess): () => Promise<Session> {
  let refusal: StartupError | undefined
  let keys = new Map<string, Handle>()
  const logIn = (session: Handle) => {
    try {
      calls.C_Login(session, CKU_USER, pin)
      keys = new Map()
    } catch (error) {
      const code = codeOf(error) ?? ''
      if (code === 'CKR_USER_ALREADY_LOGGED_IN') return
      const why = PIN_REFUSALS.get(code)
      if (why === undefined) throw error
      refusal = new StartupError(`The PKCS#11 token "${tokenLabel}" refuses the login: ${why}`)
      throw refusal
    }
  }
  const open = () => {
    if (refusal !== undefined) throw refusal
    initialize(calls)
    const handle = calls.C_OpenSession(findToken(calls, tokenLabel), CKF.SERIAL_SESSION | CKF.RW_SESSION)
    try {
      logIn(handle)
    } catch (error) {
      closeSession({ calls, handle })
      throw error
    }
    return { calls, handle, keys }
  }
  return () => inTurn(open)
}

/** Closes a session. Ignores PKCS #11 errors, because the session may be lost already. */
export function closeSession({ calls, handle }: Pick<Session, 'calls' | 'handle'>): void {
  attemptCall(() => calls.C_CloseSession(handle))
}

/**
 * Finds the slot of the only hardware token with this label. Otherwise throws StartupError; when no hardware token has
 * the label, the error lists the labels that the module has.
 */
function findToken(calls: PKCS11, label: string): Handle {
  const tokens = calls
    .C_GetSlotList(true)
    .map((slot) => ({ slot, info: calls.C_GetTokenInfo(slot) }))
    .filter(({ info }) => (info.flags & CKF.TOKEN_INITIALIZED) !== 0)
    .map(({ slot, info }) => ({ slot, label: info.label.trimEnd() }))
  const [found, another] = tokens.filter((token) => token.label === label)
  if (found === undefined) {
    const others = tokens.map((token) => `"${token.label}"`).join(', ')
    const there = others === '' ? 'the module has no token' : `the module has ${others}`
    throw new StartupError(`There is no PKCS#11 token "${label}"; ${there}`)
  }
  if (another !== undefined)
    throw new StartupError(`Only one PKCS#11 token may have the label "${label}"; give each its own label`)
  return found.slot
}

/** Throws StartupError for a hardware token that cannot generate keys of every algorithm and sign with them. */
export function checkMechanisms(calls: PKCS11, label: string): void {
  const known = new Set(calls.C_GetMechanismList(findToken(calls, label)))
  const needed = new Set(Object.values(MECHANISMS).flatMap(({ generate, sign }) => [generate, sign]))
  const missing = Object.entries(CKM).filter(([, mechanism]) => needed.has(mechanism) && !known.has(mechanism))
  if (missing.length === 0) return
  const names = missing.map(([name]) => `CKM_${name}`).join(', ')
  throw new StartupError(`The PKCS#11 token "${label}" must support all kinds of signing keys, but lacks ${names}`)
}
