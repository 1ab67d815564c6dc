import { type Finding, problem } from './finding.ts'

/** Looks at one thing. `signal` aborts when its time is up. */
export interface Check {
  readonly name: string
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]>
}

/**
 * Runs all checks at the same time, each for so many milliseconds at most, and answers their findings in the order of the checks. It
 * never rejects: a check that fails is a finding of its own.
 */
export async function runChecks(checks: readonly Check[], timeoutMs: number): Promise<readonly Finding[]> {
  const findings = await Promise.all(checks.map((check) => runCheck(check, timeoutMs)))
  return findings.flat()
}

async function runCheck({ name, run }: Check, timeoutMs: number): Promise<readonly Finding[]> {
  const end = new AbortController()
  const { promise: late, resolve } = Promise.withResolvers<readonly Finding[]>()
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
    clearTimeout(timer)
    end.abort()
  }
}
