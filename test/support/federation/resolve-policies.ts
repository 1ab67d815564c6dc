import {
  applyMetadataPolicy,
  type MetadataPolicy,
  mergeMetadataPolicies,
  readMetadataPolicy,
} from '../../../services/federation/domain/metadata-policy.ts'
import type { FederationRule } from '../../../services/federation/domain/refusal.ts'

type Json = Readonly<Record<string, unknown>>

/** The resolved parameters, or the broken rule. */
export type Outcome = { readonly resolved: Json } | { readonly rule: FederationRule }

export const ENTITY_TYPE = 'openid_relying_party'

/**
 * Reads policies for the parameters of one entity type, from the anchor down. Merges them and applies the result.
 * `merged` is undefined if a policy is refused.
 */
export function resolve(
  policies: readonly unknown[],
  metadata: Json,
): { readonly merged: Json | undefined; readonly outcome: Outcome } {
  let policy: MetadataPolicy = new Map()
  for (const json of policies) {
    const read = readMetadataPolicy({ [ENTITY_TYPE]: json })
    const result = read.ok ? mergeMetadataPolicies(policy, read.policy) : read
    if (!result.ok) return { merged: undefined, outcome: { rule: result.rule } }
    policy = result.policy
  }
  const merged = Object.fromEntries(policy.get(ENTITY_TYPE) ?? [])
  const applied = applyMetadataPolicy(policy, new Map([[ENTITY_TYPE, metadata]]))
  return {
    merged,
    outcome: applied.ok ? { resolved: applied.metadata.get(ENTITY_TYPE) ?? {} } : { rule: applied.rule },
  }
}
