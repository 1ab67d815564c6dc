import type { ChainShape } from './chain-shape.ts'
import { FEDERATION_ENTITY } from './constraints.ts'
import type { EntityStatement } from './entity-statement.ts'
import { applyMetadataPolicy, type Metadata, type MetadataPolicy, mergeMetadataPolicies } from './metadata-policy.ts'
import { type ChainRefusal, refuseChain } from './refusal.ts'

/**
 * Resolves the metadata of the subject of a chain (OpenID Federation 1.0 sections 6.1.4 and 6.2.3). The order matters:
 * first what the immediate superior says about the subject, then the allowed entity types, then the policy.
 */
export function resolveMetadata({
  configuration,
  steps,
}: ChainShape): { readonly ok: true; readonly metadata: Metadata } | ChainRefusal {
  const merged = mergePolicies(steps)
  if (!merged.ok) return merged
  const stated = overlay(configuration.metadata, steps[0]?.metadata ?? new Map())
  const applied = applyMetadataPolicy(merged.policy, steps.reduce(keepAllowedTypes, stated))
  return applied.ok ? applied : refuseChain(0, applied)
}

/** Merges from the anchor down. A conflict is the fault of the lower statement. */
function mergePolicies(
  steps: readonly EntityStatement[],
): { readonly ok: true; readonly policy: MetadataPolicy } | ChainRefusal {
  let policy: MetadataPolicy = new Map()
  for (const [step, statement] of [...steps.entries()].toReversed()) {
    if (statement.policy === undefined) continue
    const result = mergeMetadataPolicies(policy, statement.policy)
    if (!result.ok) return refuseChain(step + 1, result)
    policy = result.policy
  }
  return { ok: true, policy }
}

/** Metadata of a superior counts only for entity types that the subject itself has (section 3.1.1). */
function overlay(own: Metadata, bySuperior: Metadata): Metadata {
  return new Map([...own].map(([type, parameters]) => [type, { ...parameters, ...bySuperior.get(type) }]))
}

function keepAllowedTypes(metadata: Metadata, { constraints }: EntityStatement): Metadata {
  const allowed = constraints?.allowedEntityTypes
  if (allowed === undefined) return metadata
  return new Map([...metadata].filter(([type]) => type === FEDERATION_ENTITY || allowed.includes(type)))
}
