import type { IssuerCore } from './issuer-core.ts'
import type { ReadyOptions } from './problems.ts'

/** What a verifier waits for. */
export interface Awaited {
  readonly cores: ReadonlyMap<string, Pick<IssuerCore, 'ready'>>
  /** What the server says of other deployments, with `trust: 'server'`. */
  readonly trust: Pick<IssuerCore, 'ready'> | undefined
  readonly closing: Promise<never>
}

/**
 * Resolves when all issuers are ready, or those in the option `issuers`. Rejects as soon as one of them cannot become
 * ready. Throws TypeError for an empty list, and for an issuer that the verifier does not have.
 */
export async function readyAll(
  { cores, trust, closing }: Awaited,
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
    const awaited = trust === undefined ? chosen : [...chosen, trust]
    await Promise.all(awaited.map((core) => core.ready(closing, { signal: stop, timeout })))
  } finally {
    ending.abort()
  }
}
