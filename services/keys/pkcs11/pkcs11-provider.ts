import { StartupError } from '../../platform/errors/startup-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { KeyProvider } from '../key-provider.ts'
import { type Cryptoki, openCryptoki } from './cryptoki.ts'
import { describeError, judgeError } from './cryptoki-error.ts'
import { createSessionPool, type SessionPool } from './session-pool.ts'
import { checkMechanisms, closeSession, createSessionOpener, type Session, type TokenAccess } from './token.ts'
import { createTokenKeys } from './token-keys.ts'

/** Which token of which module. */
export interface Pkcs11Options extends TokenAccess {
  /** Path of the module: the library that the token's maker supplies. */
  readonly module: string
}

/** What a provider writes to, and how much it asks of the token. */
interface Pkcs11Deps {
  readonly log: Logger
  readonly maxSessions?: number
  /** For how long a signature may wait and take. */
  readonly signLimitMs?: number
  /** How often a module whose token fails is started anew, at most. */
  readonly restartIntervalMs?: number
}

/** The addon works on the four threads of libuv: a token that hangs must leave one to files and host names. */
const MAX_SESSIONS = 3
const SIGN_LIMIT_MS = 5_000
const RESTART_INTERVAL_MS = 5_000
const LIMIT_MS = 15_000

/**
 * Opens a token that makes private keys and signs with them; they never leave it. A process logs in to a token once, so a second
 * provider of the same one has the first one's login.
 *
 * @throws StartupError when pkcs11js is not built, there is no such module, not one token of the label, the token lacks a
 * mechanism or refuses the PIN.
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
    throw new StartupError(`The PKCS#11 token "${tokenLabel}" cannot be used: ${describeError(error)}.`, {
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
 * The token logs out with the last session. Sessions with work that does not end cannot be closed, nor the module finalised
 * beneath them.
 */
async function close(pool: SessionPool<Session>, cryptoki: Cryptoki, log: Logger): Promise<void> {
  const sessions = await pool.drain(LIMIT_MS)
  if (sessions === undefined) {
    log.warn({}, 'the PKCS#11 token does not end its work and is left to it')
    return
  }
  for (const session of sessions) closeSession(session)
  cryptoki.release()
}
