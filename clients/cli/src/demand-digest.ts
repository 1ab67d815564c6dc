import type { OperatorConfig } from '@auth4agent/sdk/node'
import type { serverFlags } from './common-flags.ts'
import type { Context } from './context.ts'
import { hasRootKey, loadRootKey, teamOptions } from './own-keys.ts'
import { makeOperator, serverOf } from './parties.ts'

/** The action of the audit records about changes of a policy. */
const POLICY_ACTION = 'operator.set-policy'

/**
 * Makes the policy of a new operator demand the digest of the body in every assertion for a change, and keeps its
 * other settings. Does nothing if anybody has set the policy before, without the root key, or on an older server. Says
 * what it did. Never rejects, because the operator is verified anyway.
 */
export async function demandBodyDigest(context: Context<typeof serverFlags>, config: OperatorConfig): Promise<boolean> {
  const { folder, fetch, now, note, progress } = context
  if (!hasRootKey(config)) return false
  try {
    const key = await loadRootKey(config, { folder, as: undefined })
    const identity = { ...teamOptions(config), operatorId: config.id }
    const operator = makeOperator({ ...serverOf(config, context), ...identity, key, fetch, now })
    const policy = await operator.policy.get()
    if (policy.require_body_digest !== false) return false
    for await (const _ of operator.audit({ action: POLICY_ACTION, outcome: 'done', pageSize: 1 })) return false
    const changed = { ...policy, require_body_digest: true }
    const set = await progress('setting the policy', operator.policy.set(changed))
    if (set.require_body_digest !== true) return false
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    note(`The policy could not be set to demand the digest of the body in every change: ${why}`)
    return false
  }
  note(
    'The policy now demands the digest of the body in every change (require_body_digest), which this tool always sends. `auth4agent policy set --require-body-digest off` ends this.',
  )
  return true
}
