import type { KeyObject } from 'node:crypto'
import type { Asserter } from '../../support/parties.ts'

/** Texts that must not be in any log, by name. */
export interface Secrets {
  readonly size: number
  keep(name: string, text: string): void
  /** Adds bytes in each encoding. */
  keepBytes(name: string, bytes: Uint8Array): void
  /** Adds a token or assertion, and its signature alone. */
  keepJws(kind: string, jws: string): void
  /** Adds the private half of an Ed25519 key, in each encoding. */
  keepPrivateKey(name: string, key: KeyObject): void
  /** Returns the same asserter, and adds every assertion that it makes. */
  recorded(asserter: Asserter): Asserter
  /** Returns a secret whose name begins with `kind`. */
  any(kind: string): string
  /** Returns the names of the secrets that a text contains. */
  foundIn(text: string): readonly string[]
}

/** How many successive characters of a secret count as a leak. */
const TELLING = 24

/** Creates an empty collection of secrets. */
export function createSecrets(): Secrets {
  const secrets = new Map<string, string>()
  let count = 0
  const keep = (name: string, text: string): void => {
    if (text.length < TELLING) throw new Error(`${name} is too short to look for`)
    secrets.set(name, text)
  }
  const keepBytes = (name: string, bytes: Uint8Array): void => {
    for (const encoding of ['base64url', 'base64', 'hex'] as const)
      keep(`${name} in ${encoding}`, Buffer.from(bytes).toString(encoding))
  }
  const keepJws = (kind: string, jws: string): void => {
    count += 1
    keep(`${kind} ${count}`, jws)
    keep(`signature of ${kind} ${count}`, (jws.split('.')[2] ?? '').slice(0, TELLING))
  }
  return {
    get size() {
      return secrets.size
    },
    keep,
    keepBytes,
    keepJws,
    keepPrivateKey(name, key) {
      const { d = '' } = key.export({ format: 'jwk' })
      keepBytes(name, Buffer.from(d, 'base64url'))
    },
    recorded: (asserter) => ({
      assert(rpc) {
        const header = asserter.assert(rpc)
        keepJws('assertion', header.slice('Bearer '.length))
        return header
      },
    }),
    any: (kind) => [...secrets].find(([name]) => name.startsWith(kind))?.[1] ?? '',
    foundIn: (text) => [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name),
  }
}
