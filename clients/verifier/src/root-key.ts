import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { ADMIN_ISSUER, signAssertion } from '@auth4agent/core/identity/assertion'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import type { Places } from './discovery.ts'
import { fetchJson } from './http.ts'
import type { Revocations } from './issuer-options.ts'
import type { CoreSettings } from './options.ts'
import type { OwnOperator } from './server-trust/trust-options.ts'

/**
 * What `onProblem` gets once if the key in `revocations` may do more than any API needs: a root key of the operator,
 * or the key of the administrator. The verifier works with such a key.
 *
 * @example
 *
 * ```ts
 * import { createVerifier, RootKeyWarning } from '@auth4agent/verifier'
 *
 * const onProblem = (error: unknown) => {
 *   if (error instanceof RootKeyWarning) console.error('Replace the key', error.kid)
 *   else console.warn(error)
 * }
 * const verifier = createVerifier({ issuer, audience, operators, revocations: { operatorId, key }, onProblem })
 * ```
 */
export class RootKeyWarning extends Error {
  override readonly name = 'RootKeyWarning'
  /** The RFC 7638 thumbprint of the key. */
  readonly kid: string

  constructor(kid: string, whose: string) {
    const advice = 'use a key of an operator with the role watch, which can only follow revocations'
    super(`The key ${kid} in revocations is ${whose}, which may do far more than an API needs: ${advice}`)
    this.kid = kid
  }
}

/** Options of {@link createRootKeyLook}. */
export interface RootKeyOptions extends Pick<CoreSettings, 'fetch' | 'issuer'> {
  readonly revocations: Revocations
  readonly locate: () => Promise<Pick<Places, 'operators'>>
  readonly isClosed: () => boolean
  /** Called at most once. */
  readonly onRootKey: (warning: RootKeyWarning) => void
}

/** The least time between two questions, in milliseconds. A server that cannot answer has more urgent work. */
const AGAIN_MS = 300_000
/** More than a manifest of 32 KiB and the list of its keys. */
const MAX_BYTES = 262_144

/**
 * Makes a function that the verifier calls at each heartbeat of the log. The first call asks the server whether the
 * verifier's key is a root key, because only the operator's manifest says it. Calls after an answer do nothing, and
 * calls after a failure ask again, but not sooner than five minutes later. Verifying does not depend on it.
 */
export function createRootKeyLook({ revocations, onRootKey, isClosed, ...server }: RootKeyOptions): () => void {
  if (typeof revocations === 'string' || !('key' in revocations)) return () => undefined
  let nextAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    const warning = await examine(revocations, server)
    nextAt = Number.POSITIVE_INFINITY
    if (warning !== undefined && !isClosed()) onRootKey(warning)
  }
  return () => {
    if (performance.now() < nextAt) return
    nextAt = performance.now() + AGAIN_MS
    // A failure is no problem of the verifier: the server may be older, or may be busy.
    void look().catch(() => undefined)
  }
}

/** Resolves with a warning if the key is one that may do everything. Rejects if the server does not answer. */
async function examine(
  own: OwnOperator,
  server: Pick<RootKeyOptions, 'fetch' | 'issuer' | 'locate'>,
): Promise<RootKeyWarning | undefined> {
  const kid = signerKid(own.key)
  if (own.operatorId === ADMIN_ISSUER) return new RootKeyWarning(kid, "the administrator's key")
  const roots = await readRootKids(own, server)
  return roots.includes(kid) ? new RootKeyWarning(kid, `a root key of the operator ${own.operatorId}`) : undefined
}

/** Reads the thumbprints of the operator's root keys. Every key of the operator may read them. */
async function readRootKids(
  { operatorId: party, key }: OwnOperator,
  { fetch, issuer, locate }: Pick<RootKeyOptions, 'fetch' | 'issuer' | 'locate'>,
): Promise<readonly unknown[]> {
  const url = `${(await locate()).operators}/${party}/keys`
  const content = { party, issuer, nowS: Date.now() / 1_000, rpc: `GET ${new URL(url).pathname}`, body: bodyDigest('') }
  const headers = { accept: 'application/json', authorization: `Bearer ${await signAssertion(key, content)}` }
  const { json } = await fetchJson(fetch, url, MAX_BYTES, { headers })
  const { id, root_keys: roots } = json
  if (id !== party || !Array.isArray(roots)) throw new TypeError(`${url} must answer with the keys of the operator`)
  return roots.map((root: unknown) => (isJsonObject(root) ? root['kid'] : undefined))
}
