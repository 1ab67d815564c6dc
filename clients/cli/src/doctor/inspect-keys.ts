import { loadOperationalKey, type OperatorConfig } from '@auth4agent/sdk/node'
import { hasRootKey, type OwnOperatorKey, ROOT } from '../own-keys.ts'
import { type Finding, problem } from './finding.ts'
import type { Party } from './party.ts'

/** The usable keys of the operator in a folder, and the findings about the others. */
export interface InspectedKeys {
  readonly findings: readonly Finding[]
  readonly keys: readonly OwnOperatorKey[]
}

/** Loads the keys of the operator in a folder. Never rejects. */
export async function inspectKeys(folder: string, operator: Party<OperatorConfig> | undefined): Promise<InspectedKeys> {
  if (operator === undefined) return { findings: [], keys: [] }
  const { config, signer } = operator
  const root = signer !== undefined && hasRootKey(config) ? [{ signer, label: ROOT }] : []
  const loaded = await Promise.all((config.operational_keys ?? []).map(({ label }) => load(folder, config, label)))
  return {
    findings: loaded.flatMap((each) => ('check' in each ? [each] : [])),
    keys: [...root, ...loaded.flatMap((each) => ('check' in each ? [] : [each]))],
  }
}

async function load(folder: string, config: OperatorConfig, label: string): Promise<OwnOperatorKey | Finding> {
  try {
    return { signer: await loadOperationalKey(folder, config, label), label }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return problem(
      `key ${label}`,
      message,
      'Restore the key file, readable only by its owner (chmod 600), or create another key: `auth4agent operator-key request`.',
    )
  }
}
