import { StartupError } from '../../platform/errors/startup-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { KeyProvider } from '../key-provider.ts'
import { type Cryptoki, openCryptoki } from './cryptoki.ts'
import { describeError, judgeError } from './cryptoki-error.ts'
import { createSessionPool, type SessionPool } from './session-pool.ts'
import { checkMechanisms, closeSession, createSessionOpener, type Session, type TokenAccess } from './token.ts'
import { createTokenKeys } from './token-keys.ts'

/** Names a hardware token and its module. */
export interface Pkcs11Options extends TokenAccess {
  /** Path of the module: the vendor's library. */
  readonly module: string
}

/** Dependencies and limits of openPkcs11Provider. */
interface Pkcs11Deps {
  readonly log: Logger
  readonly maxSessions?: number
  /** Maximum milliseconds for a signature, including the wait for a session. */
  readonly signLimitMs?: number
  /** Minimum milliseconds between two restarts of a module whose hardware token fails. */
  readonly restartIntervalMs?: number
}

/**
 * The addon uses the four threads of libuv. When a hardware token hangs, one thread must remain for files and host
 * names, so there are three sessions.
 */
const MAX_SESSIONS = 3
const SIGN_LIMIT_MS = 5_000
const RESTART_INTERVAL_MS = 5_000
const LIMIT_MS = 15_000

/**
 * Opens a hardware token, which generates private keys and signs with them. The private keys never leave the hardware
 * token. A process logs in to a hardware token only once, so two providers of the same hardware token share a login.
 *
 * @throws StartupError when pkcs11js is not built, when the module is missing, when there is not exactly one hardware
 * token with the label, or when the hardware token lacks a mechanism or refuses the PIN
 */
export async function openPkcs11Provider(options: Pkcs11Options & Pkcs11Deps): Promise<KeyProvider> {
  const { log, tokenLabel, maxSessions = MAX_SESSIONS, signLimitMs = SIGN_LIMIT_MS } = options
  const { restartIntervalMs = RESTART_INTERVAL_MS } = options
  const cryptoki = await openCryptoki(options.module)
  const pool = createSessionPool<Session>({
    size: maxSessions,
    open: createSessionOpener(cryptoki.calls, options),
    close: closeSession,
    judge: judgeError,
    onLost: (error) =>
      log.warn({ tokenLabel, error: describeError(error) }, 'a session with the PKCS#11 token was lost'),
  })
  try {
    checkMechanisms(cryptoki.calls, tokenLabel)
    await pool.use(async () => {}, LIMIT_MS)
  } catch (error) {
    cryptoki.release()
    if (error instanceof StartupError) throw error
    throw new StartupError(`The PKCS#11 token "${tokenLabel}" cannot be used: ${describeError(error)}`, {
      cause: error,
    })
  }
  let closed: Promise<void> | undefined
  return {
    ...createTokenKeys({ pool, restart: cryptoki.restart, tokenLabel, log, signLimitMs, restartIntervalMs }),
    close() {
      closed ??= close(pool, cryptoki, log)
      return closed
    },
  }
}

/**
 * Closes all sessions and releases the module. The hardware token logs out when its last session closes. When work in
 * a session does not end in time, all sessions stay open and the module is not released.
 */
async function close(pool: SessionPool<Session>, cryptoki: Cryptoki, log: Logger): Promise<void> {
  const sessions = await pool.drain(LIMIT_MS)
  if (sessions === undefined) {
    log.warn({}, 'the PKCS#11 token did not end its work in time, so its sessions stay open')
    return
  }
  for (const session of sessions) closeSession(session)
  cryptoki.release()
}
