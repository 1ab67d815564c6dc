/** The outcome of an operation, as far as its client knows. */
export type Outcome =
  | { readonly kind: 'ok' }
  /** The server refused with a reason, and changed nothing. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer, a broken connection or a 5xx. The server may have executed the operation, or may execute it later. */
  | { readonly kind: 'unknown'; readonly why: string }

/** The agent and operator of a token. */
export interface Holder {
  readonly agent: string
  readonly operator: string
}

/** The request of a client. `subject` is the name of the thing that it changes: a jti, a DID or an operator id. */
export type Action =
  | { readonly name: 'challenge'; readonly agent: string }
  /** `jti` is the id of the new token, if one was issued. */
  | ({ readonly name: 'token'; readonly challenge: string; readonly jti?: string } & Holder)
  /** `isValid` is the verifier's answer, if there was one. */
  | { readonly name: 'verify'; readonly jti: string; readonly isValid?: boolean; readonly verdict?: string }
  | { readonly name: ChangeName; readonly subject: string }

/** Changes that clients request. */
export type ChangeName = RevocationName | 'reactivate-agent' | 'reinstate-operator' | 'widen-scopes'
/** Changes that end tokens. */
export type RevocationName =
  | 'revoke-token'
  | 'suspend-agent'
  | 'narrow-scopes'
  | 'suspend-operator'
  | 'end-operator-tokens'

/** One call of one client, with its begin and end in milliseconds of the run's monotonic clock. */
export interface Operation {
  /** The x-request-id. All attempts at one change share it. */
  readonly requestId: string
  /** The process that was called. */
  readonly at: string
  readonly begin: number
  /** When the client knew the outcome, or gave up. */
  readonly end: number
  readonly action: Action
  readonly outcome: Outcome
}

/** A time during which something was broken. */
interface FaultWindow {
  readonly name: string
  readonly begin: number
  readonly end: number
}

/** An audit row of a change that was made. */
export interface AuditRow {
  readonly requestId: string
  readonly action: string
  readonly subject: string
}

/** The state of a process after all faults are over. */
export interface ProcessAfterwards {
  readonly name: string
  readonly isReady: boolean
  /** For verifiers: how many verifications after the recovery were answered from memory. */
  readonly fromMemory?: number
}

/** Everything that is known of a run. */
export interface History {
  readonly operations: readonly Operation[]
  readonly faults: readonly FaultWindow[]
  /** Names of the endpoints that were asked to verify. Each must refuse every ended token. */
  readonly verifiers: readonly string[]
  /** When all faults were over and the deployment had recovered; Infinity if it did not recover. */
  readonly recoveredAt: number
  readonly afterwards: readonly ProcessAfterwards[]
  readonly audit: readonly AuditRow[]
}

/** Records operations when they end. */
export interface Recorder {
  readonly operations: Operation[]
  readonly faults: FaultWindow[]
  /** Makes one call and records it. The `learned` of the call adds facts from the answer to the recorded action. */
  record(call: RecordedCall): Promise<{ readonly outcome: Outcome; readonly action: Action }>
  /** Runs work that breaks and repairs something, and records its begin and end. */
  readonly fault: (name: string, work: () => Promise<unknown>) => Promise<void>
}

interface RecordedCall {
  readonly requestId: string
  readonly at: string
  readonly action: Action
  readonly run: () => Promise<{ readonly outcome: Outcome; readonly learned?: Partial<Action> }>
}

/** Creates an empty recorder. */
export function createRecorder(now: () => number): Recorder {
  const operations: Operation[] = []
  const faults: FaultWindow[] = []
  return {
    operations,
    faults,
    async record({ requestId, at, action, run }) {
      const begin = now()
      const { outcome, learned } = await run()
      const told = { ...action, ...learned } as Action
      operations.push({ requestId, at, begin, end: now(), action: told, outcome })
      return { outcome, action: told }
    },
    async fault(name, work) {
      const begin = now()
      try {
        await work()
      } finally {
        faults.push({ name, begin, end: now() })
      }
    },
  }
}
