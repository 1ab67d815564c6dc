import type { History } from './history.ts'
import { acknowledgedRevocations, endOfTokens, tokensOf } from './revocations.ts'

/** Lists what does not work after the faults, although the deployment had time to recover without help. */
export function findUnrecovered(history: History): string[] {
  if (!Number.isFinite(history.recoveredAt)) return ['not in time']
  const processes = history.afterwards.flatMap(({ name, isReady, fromMemory }) => [
    ...(isReady ? [] : [`${name} is not ready`]),
    ...(fromMemory === 0 ? [`${name} answers no verification from memory`] : []),
  ])
  const verifiers = history.verifiers.filter((verifier) => !hasAccepted(history, verifier))
  return [...processes, ...verifiers.map((verifier) => `${verifier} was not seen to accept a fresh token`)]
}

/** Tells whether a verifier has accepted a token that was issued after the recovery. */
function hasAccepted({ operations, recoveredAt }: History, verifier: string): boolean {
  const fresh = tokensOf(operations).filter(({ begin }) => begin >= recoveredAt)
  const ended = endOfTokens(fresh, acknowledgedRevocations(operations))
  const standing = new Set(fresh.map(({ jti }) => jti).filter((jti) => !ended.has(jti)))
  return operations.some(
    ({ action, outcome, at }) =>
      action.name === 'verify' &&
      outcome.kind === 'ok' &&
      action.isValid === true &&
      at === verifier &&
      standing.has(action.jti),
  )
}
