import { engineChoice } from '@auth4agent/core/keys/ed25519'
import { vi } from 'vitest'

/**
 * Counts each check of an Ed25519 signature by a key that is imported from now on: keys of the issuer and of agents.
 * It does not count keys that were imported before, so a test must use new keys. `vi.restoreAllMocks` ends it.
 */
export function countVerifications() {
  const { engine } = engineChoice
  const importKey = engine.importPublicKey.bind(engine)
  let checks = 0
  let imports = 0
  vi.spyOn(engine, 'importPublicKey').mockImplementation((raw) => {
    imports += 1
    const { verify } = importKey(raw)
    return {
      verify(message, signature) {
        checks += 1
        return verify(message, signature)
      },
    }
  })
  return {
    /** Returns how many keys were imported so far. */
    imports: () => imports,
    /** Returns how many checks some work needs, and its result. */
    async during<T>(work: () => Promise<T>): Promise<{ readonly checks: number; readonly result: T }> {
      const before = checks
      const result = await work()
      return { checks: checks - before, result }
    },
  }
}
