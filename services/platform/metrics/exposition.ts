import { Registry } from 'prom-client'

/** The metrics as Prometheus reads them. Made at most once a second, for anybody may ask and making them costs. */
export interface Exposition {
  readonly contentType: string
  metrics(): Promise<string>
}

const MAX_AGE_MS = 1_000

/** One making for all who ask at the same time, or soon after. */
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
