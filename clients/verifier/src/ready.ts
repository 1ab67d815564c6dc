import type { IssuerCore } from './issuer-core.ts'
import type { ReadyOptions } from './problems.ts'

/**
 * Resolves when all issuers are ready, or those in the option `issuers`. Rejects as soon as one of them cannot become
 * ready. Throws TypeError for an empty list, and for an issuer that the verifier does not have.
 */
export async function readyAll(
  cores: ReadonlyMap<string, IssuerCore>,
  closing: Promise<never>,
  { issuers, signal, timeout }: ReadyOptions = {},
): Promise<void> {
  const names = issuers ?? [...cores.keys()]
  if (names.length === 0) throw new TypeError('issuers must name at least one issuer')
  const chosen = names.map((name) => {
    const core = cores.get(name)
    if (core === undefined)
      throw new TypeError(`issuers must name issuers of the verifier, not ${JSON.stringify(name)}`)
    return core
  })
  // Waiting for the others would keep the process alive.
  const ending = new AbortController()
  const stop = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal])
  try {
    await Promise.all(chosen.map((core) => core.ready(closing, { signal: stop, timeout })))
  } finally {
    ending.abort()
  }
}
