import type { Operator, OperatorPolicy } from '@auth4agent/sdk'
import { signedRequestOf } from '../evidence.ts'
import { type OwnOperatorKey, ROOT } from '../own-keys.ts'
import { mergePolicy } from '../policy/merge-policy.ts'
import { isWeakerRule, policyDifferences, ruleInForce } from '../policy/policy-changes.ts'
import { readPolicyText } from '../policy/read-policy.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Arguments of {@link checkPolicy}: the keys of the folder, and how to call the server with each. */
interface PolicyCheck {
  readonly keys: readonly OwnOperatorKey[]
  readonly open: (key: OwnOperatorKey) => Promise<Operator | undefined>
  /** Unix milliseconds. */
  readonly nowMs: number
}

/** A policy that was in force, and when it was set, in RFC 3339. */
interface EarlierPolicy {
  readonly at: string
  readonly policy: OperatorPolicy
}

const DAY_MS = 86_400_000
/** How far back, and how many changes, a weaker policy is compared with. */
const [LOOK_BACK_MS, MAX_CHANGES] = [30 * DAY_MS, 10] as const

/**
 * Looks for settings of the policy that are weaker than they were, or than others of the same policy. Returns no
 * finding if the server does not answer, or accepts no key of the folder: other checks report this.
 */
export async function checkPolicy({ keys, open, nowMs }: PolicyCheck): Promise<readonly Finding[]> {
  const rootFirst = keys.toSorted((one, other) => Number(other.label === ROOT) - Number(one.label === ROOT))
  for (const key of rootFirst) {
    const operator = await open(key)
    const policy = await operator?.policy.get().catch(() => undefined)
    if (operator === undefined || policy === undefined) continue
    const [set, earlier] = await Promise.all([
      operator.keys.get().catch(() => undefined),
      earlierPolicies(operator, nowMs).catch(() => []),
    ])
    return judgePolicy(policy, set?.keys.length ?? 0, earlier)
  }
  return []
}

/** Judges a policy of an operator that has so many keys with roles. The newest of the earlier policies is first. */
export function judgePolicy(
  policy: OperatorPolicy,
  roleKeys: number,
  earlier: readonly EarlierPolicy[],
): readonly Finding[] {
  const weak = [...withoutDigest(policy, roleKeys), ...exceptions(policy), ...weakened(policy, earlier)]
  // One setting may be weak in two ways. One finding is enough to act on.
  const found = [...new Map(weak.toReversed().map((each) => [each.setting, each])).values()].toReversed()
  if (found.length === 0) return [ok('policy', 'no setting is weaker than it was')]
  return found.map(({ message, cure }) => warning('policy', message, cure))
}

interface Weakness {
  readonly setting: string
  readonly message: string
  readonly cure: string
}

function withoutDigest({ require_body_digest: demanded }: OperatorPolicy, roleKeys: number): readonly Weakness[] {
  if (demanded !== false || roleKeys === 0) return []
  const message = `require_body_digest is off, but ${roleKeys} ${roleKeys === 1 ? 'key has' : 'keys have'} roles: who can change requests on their way can use a signature of such a key for another change than its holder meant`
  return [
    { setting: 'require_body_digest', message, cure: 'Turn it on: `auth4agent policy set --require-body-digest on`.' },
  ]
}

/** Finds rules for a URL that demand less than the rule for its host. */
function exceptions(policy: OperatorPolicy): readonly Weakness[] {
  return policy.audiences.flatMap((rule) => {
    const host = ruleInForce({ ...policy, audiences: policy.audiences.filter((each) => each !== rule) }, rule.audience)
    if (!isWeakerRule(rule, host)) return []
    const message = `the rule for ${rule.audience} demands less than the rule for ${host.audience}: dpop ${shown(rule.dpop)} instead of ${shown(host.dpop)}, token_status ${shown(rule.token_status)} instead of ${shown(host.token_status)}`
    const cure = `Change the rule (\`auth4agent policy set --audience ${rule.audience} --dpop-rule …\`), or remove it with --remove-audience.`
    return [{ setting: `${rule.audience} `, message, cure }]
  })
}

function weakened(policy: OperatorPolicy, earlier: readonly EarlierPolicy[]): readonly Weakness[] {
  return earlier.flatMap(({ at, policy: before }) =>
    policyDifferences(before, policy)
      .filter(({ effects }) => effects?.includes('weaker'))
      .map(({ name, before: was, after: is }) => ({
        setting: name,
        message: `${name} is ${is}, and was ${was} in the policy of ${at}`,
        cure: '`auth4agent audit list --action operator.set-policy` shows who has changed it. `auth4agent policy set --help` shows how to set it again.',
      })),
  )
}

function shown(term: string | null | undefined): string {
  return term || 'none'
}

/** Reads earlier policies from the signed requests in the audit, the newest first. */
async function earlierPolicies(operator: Operator, nowMs: number): Promise<readonly EarlierPolicy[]> {
  const since = new Date(nowMs - LOOK_BACK_MS).toISOString()
  const ids: string[] = []
  const filter = { action: 'operator.set-policy', outcome: 'done', since, pageSize: MAX_CHANGES } as const
  for await (const { id } of operator.audit(filter)) {
    ids.push(id)
    if (ids.length === MAX_CHANGES) break
  }
  const records = await Promise.all(ids.map((id) => operator.audit.get(id)))
  return records.flatMap(({ record, signed_request: signed }) => {
    const body = signed && signedRequestOf(signed).body
    const policy = body && policyOf(Buffer.from(body).toString())
    return policy === undefined ? [] : [{ at: record.at, policy }]
  })
}

/** Reads the body of a request over REST. Returns undefined for another body, such as that of a call over gRPC. */
function policyOf(body: string): OperatorPolicy | undefined {
  try {
    return mergePolicy({ audiences: [], require_bound_challenges: false }, readPolicyText(body))
  } catch {
    return undefined
  }
}
