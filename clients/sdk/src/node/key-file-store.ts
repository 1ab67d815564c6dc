import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { Auth4AgentError } from '../errors.ts'
import type { KeyStore, StoredKeys } from '../key-events/key-store.ts'
import type { SeedSigner } from '../keys/signers.ts'
import type { Signer } from '../signer.ts'
import { codeOf, configurationError, readText } from './files.ts'
import { durableFiles, type KeyFiles, realPath } from './key-files.ts'
import { type HeldLock, takeLock } from './lock-file.ts'
import { generatePrivateKey, parsePrivateKey, privateKeyText } from './private-key.ts'

/** Options of {@link keyFileStore}. */
export interface KeyFileOptions {
  /**
   * The file of the next key, by default the file of the key with `.next`. A thief who can read one of two files that
   * are on different disks gets only one of the keys.
   */
  readonly next?: string | undefined
}

/** As many characters of a thumbprint as make the name of a file unique. */
const KID_PART = 8

/** The files of a store, without symbolic links. */
interface Places {
  readonly current: string
  readonly next: string
  readonly pending: string
}

type Role = keyof Places
type FoundKeys = { readonly [R in Role]?: { readonly kid: string; readonly signer: SeedSigner } | undefined }

/**
 * Keeps the identity key of an agent in a file, and the keys that come next beside it, so that the agent can rotate
 * its key. Several processes may share the files; one at a time changes them.
 *
 * | file | content |
 * |---|---|
 * | `agent.key` | the identity key |
 * | `agent.key.next` | the key to which the agent has committed |
 * | `agent.key.pending` | during a rotation: the key that comes after that |
 * | `agent.key.lock` | the process that changes the files |
 *
 * Each file is written completely before it gets its name. A key is removed only after the server has answered. So a
 * crash at any point loses no key, and the next process reads in the agent's log which key is the identity key.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { keyFileStore } from '@auth4agent/sdk/node'
 *
 * const agent = createAgent({ server, did, key: keyFileStore('agent.key'), keyRotation: '30d' })
 * ```
 */
export function keyFileStore(path: string, options: KeyFileOptions = {}, files: KeyFiles = durableFiles): KeyStore {
  return new KeyFileStore(path, options, files)
}

class KeyFileStore implements KeyStore {
  readonly #path: string
  readonly #options: KeyFileOptions
  readonly #files: KeyFiles
  #lock: HeldLock | undefined

  constructor(path: string, options: KeyFileOptions, files: KeyFiles) {
    this.#path = path
    this.#options = options
    this.#files = files
  }

  async read(): Promise<StoredKeys> {
    const { current, next, pending } = await readAll(await this.#places())
    if (current === undefined) throw configurationError(`There is no key file at ${this.#path}`)
    return { current: current.signer, next: next?.signer, pending: pending?.signer }
  }

  async version(): Promise<string> {
    return this.#files.version((await this.#places()).current)
  }

  async generate(role: 'next' | 'pending'): Promise<Signer> {
    const places = await this.#places()
    const present = (await readAll(places))[role]
    if (present !== undefined) return present.signer
    const { signer, text } = generatePrivateKey()
    await this.#expectLocked()
    return (await this.#files.create(places[role], text)) ? signer : this.generate(role)
  }

  async save(key: SeedSigner): Promise<void> {
    const places = await this.#places()
    const { next } = await readAll(places)
    if (next?.kid === signerKid(key)) return
    if (next !== undefined) await this.#setAside(places.next, next.kid)
    await this.#write(places.next, key)
  }

  async place(role: 'current' | 'next', kid: string): Promise<void> {
    const places = await this.#places()
    const keys = await readAll(places)
    const found = Object.values(keys).find((key) => key?.kid === kid)
    if (found === undefined) throw configurationError(`None of the key files at ${this.#path} contains the key ${kid}`)
    const { [role]: replaced, current } = keys
    // A next key that is neither the identity key nor in the log was put here by hand.
    const isUnknown = role === 'next' && replaced !== undefined && replaced.kid !== current?.kid
    if (replaced?.kid !== kid) {
      if (isUnknown) await this.#setAside(places.next, replaced.kid)
      await this.#write(places[role], found.signer)
    }
    for (const other of ['next', 'pending'] as const) {
      if (other === role || keys[other]?.kid !== kid) continue
      await this.#expectLocked()
      await this.#files.remove(places[other])
    }
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const places = await this.#places()
    try {
      const lock = await takeLock(`${places.current}.lock`, this.#files)
      this.#lock = lock
      try {
        await Promise.all(Object.values(places).map((place) => this.#files.sweep(place)))
        return await work()
      } finally {
        await lock.release()
      }
    } catch (error) {
      // Errors of the system name the file, such as those of a folder that is read-only.
      const isSystemError = !(error instanceof Auth4AgentError) && error instanceof Error && 'code' in error
      if (!isSystemError) throw error
      throw configurationError(`The key files at ${this.#path} cannot be changed: ${codeOf(error)}`, { cause: error })
    }
  }

  async #write(to: string, key: SeedSigner): Promise<void> {
    await this.#expectLocked()
    await this.#files.replace(to, privateKeyText(key))
  }

  async #setAside(from: string, kid: string): Promise<void> {
    await this.#expectLocked()
    await this.#files.rename(from, `${from}.${kid.slice(0, KID_PART)}`)
  }

  async #expectLocked(): Promise<void> {
    if (this.#lock === undefined) throw new Error('The store changes keys only in exclusively()')
    await this.#lock.expectHeld()
  }

  #places(): Promise<Places> {
    return placesOf(this.#path, this.#options)
  }
}

async function placesOf(path: string, { next }: KeyFileOptions): Promise<Places> {
  const current = await realPath(path)
  if (next === undefined) return { current, next: `${current}.next`, pending: `${current}.pending` }
  const elsewhere = await realPath(next)
  return { current, next: elsewhere, pending: `${elsewhere}.pending` }
}

async function readAll(places: Places): Promise<FoundKeys> {
  const [current, next, pending] = await Promise.all([
    readKey(places.current),
    readKey(places.next),
    readKey(places.pending),
  ])
  return { current, next, pending }
}

async function readKey(path: string): Promise<FoundKeys[Role]> {
  const text = await readText(path, { secret: true })
  if (text === undefined) return undefined
  const key = parsePrivateKey(text)
  if (!key.ok) throw configurationError(`${path} contains no private key: ${key.why}`)
  return { kid: signerKid(key.signer), signer: key.signer }
}
