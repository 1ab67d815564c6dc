import type { RunningProcess } from '../../support/server.ts'

/** How often a process has answered from memory and from the database, read from its metrics. */
export interface Checks {
  readonly memory: number
  readonly database: number
  readonly holdsLease: boolean
}

/** Reads the metrics of a process that verifies tokens. */
export async function checksAt({ baseUrl }: RunningProcess): Promise<Checks> {
  const text = await (await fetch(`${baseUrl}/metrics`)).text()
  const valueOf = (sample: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')[1],
    )
  return {
    memory: valueOf('auth4agent_revocation_checks_total{path="memory"}') || 0,
    database: valueOf('auth4agent_revocation_checks_total{path="database"}') || 0,
    holdsLease: valueOf('auth4agent_revocation_lease_valid') === 1,
  }
}
