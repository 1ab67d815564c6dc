/** What an operation came to, as its client knows it. */
export type Outcome =
  | { readonly kind: 'ok' }
  /** The server said no, for a reason: nothing was done. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer, a broken connection or a 5xx: it may have been done, or may yet be done. */
  | { readonly kind: 'unknown'; readonly why: string }

/** Whom a token was issued to. */
export interface Holder {
  readonly agent: string
  readonly operator: string
}

/** What a client asked for. `subject` names what is changed: a jti, a DID, or an operator id. */
export type Action =
  | { readonly name: 'challenge'; readonly agent: string }
  /** `jti` is the new token's, where one came. */
  | ({ readonly name: 'token'; readonly challenge: string; readonly jti?: string } & Holder)
  /** `isValid` is what the verifier said, where it said something. */
  | { readonly name: 'verify'; readonly jti: string; readonly isValid?: boolean; readonly verdict?: string }
  | { readonly name: ChangeName; readonly subject: string }

/** Changes of state that clients ask for. */
export type ChangeName = RevocationName | 'reactivate-agent' | 'reinstate-operator' | 'widen-scopes'
/** Those that end tokens. */
export type RevocationName =
  | 'revoke-token'
  | 'suspend-agent'
  | 'narrow-scopes'
  | 'suspend-operator'
  | 'end-operator-tokens'

/** One call of one client, with the times between which it was under way: milliseconds of the one monotonic clock of the run. */
export interface Operation {
  /** Sent as x-request-id. The attempts at one change share it. */
  readonly requestId: string
  /** The process that was asked. */
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

/** A line of the audit that says that something was done. */
export interface AuditRow {
  readonly requestId: string
  readonly action: string
  readonly subject: string
}

/** How one process was found when all faults were over. */
export interface ProcessAfterwards {
  readonly name: string
  readonly isReady: boolean
  /** For verifiers: answers that came from memory in the end, out of how many were asked. */
  readonly fromMemory?: number
}

/** All that is known of a run. */
export interface History {
  readonly operations: readonly Operation[]
  readonly faults: readonly FaultWindow[]
  /** Names of the processes that were asked to verify, each of which must refuse what has been ended. */
  readonly verifiers: readonly string[]
  /** From when on all faults were over and the service had recovered; Infinity when it did not. */
  readonly recoveredAt: number
  readonly afterwards: readonly ProcessAfterwards[]
  readonly audit: readonly AuditRow[]
}

/** Keeps operations as they end. */
export interface Recorder {
  readonly operations: Operation[]
  readonly faults: FaultWindow[]
  /** Runs and records one call. `what` may add to the action what the answer told. */
  record(call: RecordedCall): Promise<{ readonly outcome: Outcome; readonly action: Action }>
  /** Runs something that breaks and mends, and records from when to when. */
  readonly fault: (name: string, work: () => Promise<unknown>) => Promise<void>
}

interface RecordedCall {
  readonly requestId: string
  readonly at: string
  readonly action: Action
  readonly run: () => Promise<{ readonly outcome: Outcome; readonly learned?: Partial<Action> }>
}

/** Makes an empty recorder. */
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
