import { Registry } from 'prom-client'

/**
 * The metrics in the text format of Prometheus. They are collected at most once a second, because collecting them is
 * expensive and anybody may request them.
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
