import { randomBytes } from 'node:crypto'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { isTokenAlgorithm, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier, type TokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { PrivateTokenKey } from '../../platform/crypto/token-key.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Logger } from '../../platform/log/log.ts'
import type { KeyProvider, KeyRow, NewTokenKey } from '../key-provider.ts'
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

/** What the keys of a token are used through. */
interface TokenKeysOptions {
  readonly pool: SessionPool<Session>
  /** Starts the module anew; no session may be open. */
  readonly restart: () => void
  readonly tokenLabel: string
  readonly log: Logger
  /** For how long a signature may wait and take. */
  readonly signLimitMs: number
  /** How often a module whose token fails is started anew, at most. */
  readonly restartIntervalMs: number
}

interface TokenKeysDeps extends TokenKeysOptions {
  /** Ids that this process has seen in the token, or has looked for in a module that had just started. */
  readonly known: Set<string>
  /** Starts the module anew beside what is under way, unless that was done a moment ago. */
  readonly startAnew: () => void
}

/** One private key in the token, and what its signatures must hold under. */
interface TokenKey {
  readonly kid: string
  readonly alg: TokenAlgorithm
  /** CKA_ID, hexadecimal. */
  readonly id: string
  readonly verifier: TokenVerifier
}

type Reference = Pick<KeyRow, 'kid' | 'externalRef'>

/** What was asked of the token, for the log. */
interface Asked {
  readonly operation: 'generate' | 'open' | 'sign' | 'destroy'
  readonly id: string
  readonly kid?: string
  readonly alg?: TokenAlgorithm
}

const LIMIT_MS = 15_000
/** A token may take its time over an RSA key. */
const GENERATE_LIMIT_MS = 60_000
const ID_BYTES = 16
const PROBE = Buffer.from('auth4agent-key-probe')

/** The keys of a token. What the token fails at is logged, and thrown as UNAVAILABLE. */
export function createTokenKeys(options: TokenKeysOptions): Omit<KeyProvider, 'close'> {
  const deps = { ...options, known: new Set<string>(), startAnew: createStartAnew(options) }
  return {
    generate: (alg) => generateKey(deps, alg),
    open: (row) => openKey(deps, row),
    destroy: (key) => destroyKey(deps, key),
  }
}

/** A module may go on failing when its token is back, until it is started anew. */
function createStartAnew({ pool, restart, restartIntervalMs, tokenLabel, log }: TokenKeysOptions): () => void {
  let startedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - startedAt < restartIntervalMs) return
    startedAt = performance.now()
    pool.alone(restart, LIMIT_MS).catch((error: unknown) => {
      log.warn({ tokenLabel, error: describeError(error) }, 'the PKCS#11 module could not be started anew')
    })
  }
}

async function generateKey(deps: TokenKeysDeps, alg: TokenAlgorithm): Promise<NewTokenKey> {
  const { pool, tokenLabel } = deps
  const id = randomBytes(ID_BYTES).toString('hex')
  try {
    const publicJwk = await pool.use((session) => generatePair(session, alg, id), GENERATE_LIMIT_MS)
    const kid = jwkThumbprint(publicJwk)
    await pool.use((session) => labelPair(session, id, kid), LIMIT_MS)
    await sign(deps, { kid, alg, id, verifier: verifierOf(kid, alg, publicJwk) }, PROBE)
    return { kid, alg, publicJwk, stored: { externalRef: { provider: 'pkcs11', token: tokenLabel, id } } }
  } catch (error) {
    const destroyed = pool.use((session) => destroyUnused(session, id), LIMIT_MS)
    await destroyed.catch((cause: unknown) => failure(deps, { operation: 'destroy', id }, cause))
    throw failure(deps, { operation: 'generate', alg, id }, error)
  }
}

async function openKey(deps: TokenKeysDeps, row: KeyRow): Promise<PrivateTokenKey> {
  const { kid, alg, publicJwk } = row
  const id = referredId(row, deps.tokenLabel)
  if (!isTokenAlgorithm(alg)) throw new Error(`signing key ${kid} is of the algorithm ${alg}, which signs no tokens`)
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
    if (isLeft) deps.log.warn({ kid, id }, 'objects of the PKCS#11 token that are labelled otherwise were left alone')
    return true
  } catch (error) {
    if (error instanceof MissingKeyError) return true
    throw failure(deps, { operation: 'destroy', kid, id }, error)
  }
}

/**
 * Does something with a key; once more in a module that was started anew when the key is missing and was never seen. SoftHSM
 * loses sight of what one process makes while another makes something too, until it starts again.
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

/** Signs with what the token holds under the id now, whatever this process knows of it. */
function signAfresh({ pool, signLimitMs }: TokenKeysDeps, key: TokenKey): Promise<Uint8Array> {
  return pool.use((session) => {
    forgetKey(session, key.id)
    return signIn(session, key, PROBE)
  }, signLimitMs)
}

/** A row may name another key's object, and a token may fail: what does not hold under the public half goes nowhere. */
async function signIn(
  session: Session,
  { kid, alg, id, verifier }: TokenKey,
  signingInput: Uint8Array,
): Promise<Uint8Array> {
  const { prepare, finish } = MECHANISMS[alg]
  const signature = finish(await signWith(session, id, alg, prepare(signingInput)))
  if (verifier.verify(signingInput, signature)) return signature
  forgetKey(session, id)
  throw new KeyObjectError(`the token's private key with the id ${id} is not that of signing key ${kid}`)
}

function verifierOf(kid: string, alg: string, publicJwk: unknown): TokenVerifier {
  const verifier = importTokenVerifier(alg, publicJwk)
  if (verifier === undefined || jwkThumbprint(verifier.jwk) !== kid)
    throw new Error(`the public half of signing key ${kid} is not what it says`)
  return verifier
}

function referredId({ kid, externalRef }: Reference, tokenLabel: string): string {
  const reference = readReference(externalRef)
  if (reference === undefined) throw new Error(`signing key ${kid} does not refer to a key in a PKCS#11 token`)
  const { token, id } = reference
  if (token !== tokenLabel)
    throw new Error(`signing key ${kid} is in the PKCS#11 token ${JSON.stringify(token)}, not in "${tokenLabel}"`)
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
  return new ApiError('UNAVAILABLE', 'the token of the signing keys failed', { cause, retryAfter: 1 })
}
