import { deferred } from '@auth4agent/core/async/waiting'
import { type Finding, problem } from './finding.ts'

/** Looks at one thing. `signal` aborts when its time is up, or nobody waits for it any more. */
export interface Check {
  readonly name: string
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]>
}

/** How long checks may take. */
interface Patience {
  /** For each of them. */
  readonly timeoutMs: number
  /** Ends them all at once. */
  readonly signal: AbortSignal
}

/**
 * Runs all checks at the same time, and answers their findings in the order of the checks. A check that fails is a finding of its own.
 * Rejects when the signal aborts, and with nothing else: what was cut off has found nothing.
 */
export async function runChecks(checks: readonly Check[], patience: Patience): Promise<readonly Finding[]> {
  const findings = await Promise.all(checks.map((check) => runCheck(check, patience)))
  patience.signal.throwIfAborted()
  return findings.flat()
}

async function runCheck({ name, run }: Check, { timeoutMs, signal }: Patience): Promise<readonly Finding[]> {
  if (signal.aborted) return []
  const end = new AbortController()
  const { promise: late, resolve } = deferred<readonly Finding[]>()
  const cut = () => resolve([])
  signal.addEventListener('abort', cut, { once: true })
  const timer = setTimeout(() => {
    end.abort()
    resolve([
      problem(
        name,
        `no answer within ${timeoutMs / 1000} s`,
        'Look at the network, and try again with a longer --timeout.',
      ),
    ])
  }, timeoutMs)
  try {
    return await Promise.race([run(end.signal), late])
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [problem(name, `could not be looked at: ${why}`, 'This is a mistake of the tool: please report it.')]
  } finally {
    signal.removeEventListener('abort', cut)
    clearTimeout(timer)
    end.abort()
  }
}
