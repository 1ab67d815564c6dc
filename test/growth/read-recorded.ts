import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Recorded } from './record.ts'

/** A statement with all lines of `services/` that were seen to send it. */
export interface Statement extends Omit<Recorded, 'site'> {
  readonly sites: readonly string[]
}

const HAS_PLAN = /^\s*(?:select|with|insert|update|delete)\b/i

/** Reads the recorded statements that have a plan, each once. */
export async function readRecorded(folder: string): Promise<readonly Statement[]> {
  const found = new Map<string, Statement>()
  for (const file of await readdir(folder)) {
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
      // The last line of a process that was killed may be cut off.
      const recorded = line.endsWith('}') ? (JSON.parse(line) as Recorded) : undefined
      if (recorded === undefined || !HAS_PLAN.test(recorded.text)) continue
      const { site, ...statement } = recorded
      const sites = new Set(found.get(statement.text)?.sites).add(site)
      found.set(statement.text, { ...statement, sites: [...sites].toSorted() })
    }
  }
  return [...found.values()].toSorted((a, b) => (a.sites[0] ?? '').localeCompare(b.sites[0] ?? ''))
}
