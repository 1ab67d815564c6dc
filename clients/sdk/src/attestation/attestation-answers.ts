import { type Answer, readAnswers, type Shape } from '../answers.ts'

const result = {
  attestor: 'text',
  type: 'text',
  level: 'text',
  claims: 'any',
  verified_at: 'text',
  expires_at: 'text',
} as const satisfies Shape
/**
 * What the attestor's verifier has found. `level` says how strongly the evidence is bound to the agent: bearer, bound
 * or hardware. `claims` is an object. Times are RFC 3339 in UTC.
 */
export type AttestationResult = Answer<typeof result>

/** Checks a list of results. */
export function readResults(value: unknown): readonly AttestationResult[] {
  return readAnswers(result, value ?? [])
}

/** Returns the milliseconds for which results count, from the time at which the server made them. */
export function lifetimeMs(results: readonly AttestationResult[]): number {
  const lifetimes = results.map((each) => Date.parse(each.expires_at) - Date.parse(each.verified_at))
  const shortest = Math.min(...lifetimes)
  return Number.isFinite(shortest) && shortest > 0 ? shortest : 0
}
