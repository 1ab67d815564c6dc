import { fingerprint, formatDid, parseDid } from '@auth4agent/core/identity/did'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { signInception } from '@auth4agent/core/key-events/sign-key-event'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type KeyLike, toSigner } from '../keys/signers.ts'
import { committedKid, expectEd25519 } from './key-changes.ts'
import { isKeyStore, type KeyStore } from './key-store.ts'

/** Options of {@link newIdentity}. */
export interface NewIdentityOptions {
  /** The first identity key. With a key store, the agent commits to the key that the store keeps as `next`. */
  readonly key: KeyLike | KeyStore
  /** The domain of the operator. */
  readonly domain: string
  /** The key to which the agent commits, or its thumbprint. `false` commits to no key. */
  readonly next?: KeyLike | string | false | undefined
  /** The current time in Unix milliseconds; by default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** A new agent, ready to be registered. */
export interface NewIdentity {
  readonly did: string
  readonly publicKey: Uint8Array
  /** The first event of the log of the agent's keys. */
  readonly inception: string
}

const NAMES: Names<NewIdentityOptions> = { key: true, domain: true, next: true, now: true }

/**
 * Signs the first event of a new agent's log, in which the agent commits to its next key (pre-rotation): then a stolen
 * key alone cannot rotate anything, and the committed key can recover the agent. Register the agent within 5 minutes.
 *
 * Rejects with TypeError for a domain that is not valid in a DID, and for a key of P-256.
 *
 * @example
 *
 * ```ts
 * import { newIdentity } from '@auth4agent/sdk'
 * import { createKeyFile, keyFileStore } from '@auth4agent/sdk/node'
 *
 * await createKeyFile('agent.key')
 * const { did, ...agent } = await newIdentity({ key: keyFileStore('agent.key'), domain: 'acme.example' })
 * await operator.agents.register({ did, ...agent })
 * ```
 */
export async function newIdentity(options: NewIdentityOptions): Promise<NewIdentity> {
  refuseUnknownNames('option', options, NAMES)
  const { key, domain, next, now = Date.now } = options
  const isStored = isKeyStore(key)
  const signer = expectEd25519(isStored ? (await key.read()).current : await toSigner(key))
  const { publicKey } = signer
  const did = formatDid(domain, fingerprint(publicKey))
  if (parseDid(did) === undefined)
    throw new TypeError(`domain must be a domain name in lower case, not ${JSON.stringify(domain)}`)
  const kept = isStored && next === undefined ? signerKid(await key.exclusively(() => key.generate('next'))) : undefined
  const kid = kept ?? (next === undefined || next === false ? undefined : await committedKid(next))
  return { did, publicKey, inception: await signInception(signer, { did, nowS: now() / 1000, next: kid }) }
}
