import { deferred } from '@auth4agent/core/async/waiting'
import { type Finding, problem } from './finding.ts'

/** Checks one thing. `signal` aborts when its time is over or when the run ends. */
export interface Check {
  readonly name: string
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]>
}

/** Limits of {@link runChecks}. */
interface Patience {
  /** Longest time of each check, in milliseconds. */
  readonly timeoutMs: number
  /** Ends all checks. */
  readonly signal: AbortSignal
}

/**
 * Runs all checks at the same time and returns their findings in the order of the checks. A check that throws becomes
 * a finding. Rejects only when the signal aborts, because interrupted checks have no result.
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
        'Check the network, or try again with a longer --timeout.',
      ),
    ])
  }, timeoutMs)
  try {
    return await Promise.race([run(end.signal), late])
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [problem(name, `the check failed: ${why}`, 'This is an error of the tool. Please report it.')]
  } finally {
    signal.removeEventListener('abort', cut)
    clearTimeout(timer)
    end.abort()
  }
}
