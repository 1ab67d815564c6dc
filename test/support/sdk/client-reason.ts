import { Auth4AgentError } from '@auth4agent/sdk'

/** Resolves with the reason with which a call of the SDK rejects, `done` if it does not, or another error as text. */
export function clientReason(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof Auth4AgentError ? error.reason : String(error)),
  )
}
