import { Auth4AgentError } from '../errors.ts'
import { type KeyLike, toSigner } from '../keys/signers.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import { isKeyStore, type KeyStore } from './key-store.ts'

/** The keys with which an agent authenticates: one at a time, until it is replaced. */
export interface AgentKeys {
  /** The store of the keys, if the agent has one. */
  readonly store: KeyStore | undefined
  /** Resolves with the current key. */
  current(): Promise<AgentSigner>
  /** Looks whether another process has replaced the current key in the store, at most once a second. */
  look(): Promise<void>
  /**
   * Runs work with the current key. Runs it again if the key was replaced in the meantime, or if the server refuses
   * the key and another key is the right one.
   */
  use<T>(work: (signer: AgentSigner) => Promise<T>): Promise<T>
  /** Makes a key the current one. */
  replace(signer: AgentSigner): void
  /** Runs a change of the key. Changes run one after the other. `candidate` is a key that may have become current. */
  change<T>(work: (candidate: (signer: AgentSigner) => void) => Promise<T>): Promise<T>
}

/** Options of {@link createAgentKeys}. */
interface KeysOptions {
  readonly key: KeyLike | KeyStore
  readonly runtime: Runtime
  readonly server: Server
  readonly did: string
  /** Called after the current key was replaced. */
  readonly onReplaced?: () => void
  /** Called once, before the first use of a key. */
  readonly onFirstUse?: () => Promise<void>
}

/** The reasons with which a server refuses a key that is not, or no longer, a key of the agent. */
const REFUSED = new Set(['INVALID_SIGNATURE', 'INVALID_ASSERTION'])
/** How often the store is asked for a change, in milliseconds. */
const LOOK_MS = 1_000

/** Creates the keys of an agent. Loads nothing before the first use. */
export function createAgentKeys({ key, runtime, server, did, onReplaced, onFirstUse }: KeysOptions): AgentKeys {
  const store = typeof key === 'object' && key !== null && isKeyStore(key) ? key : undefined
  let signer: AgentSigner | undefined
  let changes = 0
  let last: Promise<unknown> = Promise.resolve()
  let first = onFirstUse
  let seen = { version: '', atMs: Number.NEGATIVE_INFINITY }
  const candidates = new Set<AgentSigner>()

  const replace = (next: AgentSigner) => {
    const isOther = signer !== undefined && String(signer.publicKey) !== String(next.publicKey)
    signer = isOther ? next : (signer ?? next)
    if (!isOther) return
    changes += 1
    onReplaced?.()
  }
  const read = async (from: KeyStore) => {
    const version = await from.version()
    if (version !== seen.version) replace((await from.read()).current)
    seen = { version, atMs: runtime.monotonicMs() }
  }
  const look = async () => {
    if (store !== undefined && runtime.monotonicMs() - seen.atMs >= LOOK_MS) await read(store)
  }
  const current = async (): Promise<AgentSigner> => {
    const begin = first
    first = undefined
    await look()
    signer ??= await toSigner(key as KeyLike)
    await begin?.()
    return signer
  }
  const known = async (): Promise<readonly AgentSigner[]> => {
    const { next, pending } = store === undefined ? {} : await store.read()
    return [...candidates, next, pending].filter((each) => each !== undefined)
  }
  /** Replaces a refused key by another one. Returns false if there is no other one. */
  const replaceRefused = async (refused: AgentSigner): Promise<boolean> => {
    await last
    if (store !== undefined) await read(store)
    if ((await current()) !== refused) return true
    const others = await known()
    if (others.length > 0) {
      // Loaded on demand, because most agents never change their key.
      const { findIdentityKey } = await import('./find-identity-key.ts')
      const found = await findIdentityKey(server, did, others)
      if (found !== undefined) replace(found)
    }
    return (await current()) !== refused
  }
  return {
    store,
    current,
    look,
    replace,
    async use(work) {
      for (;;) {
        const [tried, before] = [await current(), changes]
        try {
          const result = await work(tried)
          if (changes === before) return result
        } catch (error) {
          const isRefused = error instanceof Auth4AgentError && REFUSED.has(error.reason)
          if (!isRefused || !(await replaceRefused(tried))) throw error
        }
      }
    },
    change(work) {
      const result = last.then(() => work((candidate) => candidates.add(candidate)))
      last = result.catch(() => undefined)
      return result
    },
  }
}
