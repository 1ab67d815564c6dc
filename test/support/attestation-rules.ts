import type { EnrolmentTerms } from '../../services/attestation/rules/enrolment-terms.ts'
import type { RequirementTerms } from '../../services/attestation/rules/requirement-terms.ts'
import type { CurrentResult } from '../../services/attestation/rules/results.ts'

/** The time at which the tests of rules judge, in Unix milliseconds. */
export const NOW = 1_000_000

/** Makes a result of an attestor that counts for five seconds. */
export function result(attestor: string, more: Partial<CurrentResult>): CurrentResult {
  const times = { verifiedAt: NOW - 1000, expiresAt: NOW + 5000 }
  return { attestor, attestorId: `id of ${attestor}`, type: 'oidc', level: 'bound', claims: {}, ...times, ...more }
}

/** Makes the terms of an enrolment rule. */
export function rule(more: Partial<EnrolmentTerms>): EnrolmentTerms {
  const lists = { allOf: [], anyOf: [], scopes: [], audiences: [] }
  const numbers = { tokenTtl: 0, maxAgents: 1, expireUnused: 0 }
  return { name: 'deploy', ...lists, when: '', label: '', ...numbers, endTokens: false, ...more }
}

/** Makes the terms of a requirement. */
export function requirement(more: Partial<RequirementTerms>): RequirementTerms {
  const lists = { agents: [], allOf: [], anyOf: [], scopes: [], audiences: [] }
  return { name: 'machine', ...lists, when: '', level: 'bearer', maxAge: 0, at: ['token'], endTokens: false, ...more }
}
