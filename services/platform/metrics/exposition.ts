import { Registry } from 'prom-client'

/**
 * The metrics in the text format of Prometheus, collected at most once a second: anybody may ask, and it is expensive.
 */
export interface Exposition {
  readonly contentType: string
  metrics(): Promise<string>
}

const MAX_AGE_MS = 1_000

/** Creates an exposition that answers all requests within one second with one result of `make`. */
export function rememberExposition(make: () => Promise<string>): Exposition {
  let last: Promise<string> | undefined
  let madeAt = 0
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    metrics() {
      const now = performance.now()
      if (last === undefined || now - madeAt > MAX_AGE_MS) {
        last = make()
        madeAt = now
      }
      return last
    },
  }
}
