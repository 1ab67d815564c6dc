import { randomBytes } from 'node:crypto'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier, type TokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { PrivateTokenKey } from '../../platform/crypto/token-key.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { KeyKind } from '../domain/key-kinds.ts'
import type { KeyProvider, KeyRow, NewSigningKey } from '../key-provider.ts'
import { MECHANISMS } from './algorithms.ts'
import { describeError, judgeError } from './cryptoki-error.ts'
import type { SessionPool } from './session-pool.ts'
import type { Session } from './token.ts'
import {
  destroyPair,
  destroyUnused,
  forgetKey,
  generatePair,
  KeyObjectError,
  labelPair,
  MissingKeyError,
  signWith,
} from './token-objects.ts'

/** Options of createTokenKeys. */
interface TokenKeysOptions {
  readonly pool: SessionPool<Session>
  /** Restarts the module. No session may be open. */
  readonly restart: () => void
  readonly tokenLabel: string
  readonly log: Logger
  /** Maximum milliseconds for a signature, including the wait for a session. */
  readonly signLimitMs: number
  /** Minimum milliseconds between two restarts of a module whose hardware token fails. */
  readonly restartIntervalMs: number
}

interface TokenKeysDeps extends TokenKeysOptions {
  /** Ids that this process has found in the hardware token, or has searched for just after a restart of the module. */
  readonly known: Set<string>
  /** Restarts the module in the background, unless it was restarted less than `restartIntervalMs` ago. */
  readonly startAnew: () => void
}

/** A private key in the hardware token, with the public half that its signatures must match. */
interface TokenKey {
  readonly kid: string
  readonly alg: TokenAlgorithm
  /** CKA_ID, hexadecimal. */
  readonly id: string
  readonly verifier: TokenVerifier
}

type Reference = Pick<KeyRow, 'kid' | 'externalRef'>

/** The operation on the hardware token, for the log. */
interface Asked {
  readonly operation: 'generate' | 'open' | 'sign' | 'destroy'
  readonly id: string
  readonly kid?: string
  readonly alg?: TokenAlgorithm
}

const LIMIT_MS = 15_000
/** A hardware token may take long to generate an RSA key. */
const GENERATE_LIMIT_MS = 60_000
const ID_BYTES = 16
const PROBE = Buffer.from('auth4agent-key-probe')

/**
 * Creates the provider of the keys in a hardware token. It logs failures of the hardware token and throws
 * UNAVAILABLE.
 */
export function createTokenKeys(options: TokenKeysOptions): Omit<KeyProvider, 'close'> {
  const deps = { ...options, known: new Set<string>(), startAnew: createStartAnew(options) }
  return {
    generate: (kind) => generateKey(deps, kind),
    open: (row) => openKey(deps, row),
    destroy: (key) => destroyKey(deps, key),
  }
}

/**
 * Creates the function that restarts the module. It is needed because a module may fail until it is restarted, even
 * when its hardware token is available again.
 */
function createStartAnew({ pool, restart, restartIntervalMs, tokenLabel, log }: TokenKeysOptions): () => void {
  let startedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - startedAt < restartIntervalMs) return
    startedAt = performance.now()
    pool.alone(restart, LIMIT_MS).catch((error: unknown) => {
      log.warn({ tokenLabel, error: describeError(error) }, 'the PKCS#11 module could not be restarted')
    })
  }
}

async function generateKey(deps: TokenKeysDeps, { purpose, alg }: KeyKind): Promise<NewSigningKey> {
  const { pool, tokenLabel } = deps
  const id = randomBytes(ID_BYTES).toString('hex')
  try {
    const publicJwk = await pool.use((session) => generatePair(session, alg, id), GENERATE_LIMIT_MS)
    const kid = jwkThumbprint(publicJwk)
    await pool.use((session) => labelPair(session, id, kid), LIMIT_MS)
    await sign(deps, { kid, alg, id, verifier: verifierOf(kid, alg, publicJwk) }, PROBE)
    return { kid, purpose, alg, publicJwk, stored: { externalRef: { provider: 'pkcs11', token: tokenLabel, id } } }
  } catch (error) {
    const destroyed = pool.use((session) => destroyUnused(session, id), LIMIT_MS)
    await destroyed.catch((cause: unknown) => failure(deps, { operation: 'destroy', id }, cause))
    throw failure(deps, { operation: 'generate', alg, id }, error)
  }
}

async function openKey(deps: TokenKeysDeps, row: KeyRow): Promise<PrivateTokenKey> {
  const { kid, alg, publicJwk } = row
  const id = referredId(row, deps.tokenLabel)
  if (!isTokenAlgorithm(alg)) throw new Error(`Signing key ${kid} has the algorithm ${alg}, which signs no tokens`)
  const key = { kid, alg, id, verifier: verifierOf(kid, alg, publicJwk) }
  try {
    await inSight(deps, id, () => signAfresh(deps, key))
  } catch (error) {
    if (error instanceof KeyObjectError) throw error
    throw failure(deps, { operation: 'open', kid, id }, error)
  }
  return {
    publicJwk: key.verifier.jwk,
    async sign(signingInput) {
      try {
        return await sign(deps, key, signingInput)
      } catch (error) {
        throw failure(deps, { operation: 'sign', kid, id }, error)
      }
    },
  }
}

async function destroyKey(deps: TokenKeysDeps, { kid, externalRef }: Reference): Promise<boolean> {
  if (externalRef === null) return true
  const { token, id } = readReference(externalRef) ?? {}
  if (id === undefined || token !== deps.tokenLabel) return false
  try {
    const destroyed = () => deps.pool.use((session) => destroyPair(session, id, kid), LIMIT_MS)
    const isLeft = await inSight(deps, id, destroyed)
    if (isLeft) deps.log.warn({ kid, id }, 'objects in the PKCS#11 token with the same id but another label were kept')
    return true
  } catch (error) {
    if (error instanceof MissingKeyError) return true
    throw failure(deps, { operation: 'destroy', kid, id }, error)
  }
}

/**
 * Runs work on a key. When the key is missing and its id is not in `known`, restarts the module and runs the work once
 * more. The reason: when two processes generate keys at the same time, SoftHSM may not show one process the key of the
 * other process until the module is restarted.
 */
async function inSight<T>({ pool, restart, known }: TokenKeysDeps, id: string, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work()
    known.add(id)
    return result
  } catch (error) {
    if (!(error instanceof MissingKeyError) || known.has(id)) throw error
    if (await pool.alone(restart, LIMIT_MS)) known.add(id)
    return await work()
  }
}

function sign({ pool, signLimitMs }: TokenKeysDeps, key: TokenKey, signingInput: Uint8Array): Promise<Uint8Array> {
  return pool.use((session) => signIn(session, key, signingInput), signLimitMs)
}

/** Signs a probe with the key that now has the id in the hardware token, without the cached handle. */
function signAfresh({ pool, signLimitMs }: TokenKeysDeps, key: TokenKey): Promise<Uint8Array> {
  return pool.use((session) => {
    forgetKey(session, key.id)
    return signIn(session, key, PROBE)
  }, signLimitMs)
}

/**
 * Signs, and verifies the signature with the public half before it returns the signature. This is needed because a row
 * may name the object of another key, and because a hardware token may make a wrong signature.
 */
async function signIn(
  session: Session,
  { kid, alg, id, verifier }: TokenKey,
  signingInput: Uint8Array,
): Promise<Uint8Array> {
  const { prepare, finish } = MECHANISMS[alg]
  const signature = finish(await signWith(session, id, alg, prepare(signingInput)))
  if (verifier.verify(signingInput, signature)) return signature
  forgetKey(session, id)
  throw new KeyObjectError(
    `The private key with the id ${id} in the hardware token is not the private half of signing key ${kid}`,
  )
}

function verifierOf(kid: string, alg: string, publicJwk: unknown): TokenVerifier {
  const verifier = importTokenVerifier(alg, publicJwk)
  if (verifier === undefined || jwkThumbprint(verifier.jwk) !== kid)
    throw new Error(`The public half of signing key ${kid} does not match its kid and alg`)
  return verifier
}

function referredId({ kid, externalRef }: Reference, tokenLabel: string): string {
  const reference = readReference(externalRef)
  if (reference === undefined) throw new Error(`Signing key ${kid} does not refer to a key in a PKCS#11 token`)
  const { token, id } = reference
  if (token !== tokenLabel)
    throw new Error(`Signing key ${kid} is in the PKCS#11 token ${JSON.stringify(token)}, not in "${tokenLabel}"`)
  return id
}

function readReference(externalRef: unknown): { readonly token: unknown; readonly id: string } | undefined {
  const { provider, token, id } = isJsonObject(externalRef) ? externalRef : {}
  return provider === 'pkcs11' && typeof id === 'string' && /^[0-9a-f]{32}$/.test(id) ? { token, id } : undefined
}

function failure({ log, tokenLabel, startAnew }: TokenKeysDeps, asked: Asked, cause: unknown): ApiError {
  if (judgeError(cause) !== 'sound') startAnew()
  log.error({ ...asked, tokenLabel, error: describeError(cause) }, 'the PKCS#11 token failed')
  if (cause instanceof ApiError) return cause
  return new ApiError('UNAVAILABLE', 'The hardware token of the signing keys failed', { cause, retryAfter: 1 })
}
