import { describe, expect, it } from 'vitest'
import { type ReasonCode, reasons } from '../../services/platform/errors/reasons.ts'
import { agentKeyCases } from './cases/agent-keys.ts'
import { agentMoveCases } from './cases/agent-moves.ts'
import { attestationCases } from './cases/attestation.ts'
import { attestationPolicyCases, fullAttestationPolicyCases } from './cases/attestation-policy.ts'
import { attestedTokenCases } from './cases/attested-tokens.ts'
import { authenticationCases } from './cases/authentication.ts'
import { authnCases } from './cases/authn.ts'
import { clientAssertionCases } from './cases/client-assertions.ts'
import { deploymentCases } from './cases/deployment.ts'
import { dpopCases } from './cases/dpop.ts'
import { envelopeCases } from './cases/envelope.ts'
import { exchangeCases } from './cases/exchanges.ts'
import { faultCases, rateCases } from './cases/faults.ts'
import { federationAdminCases, federationCases, fullFederationCases } from './cases/federation.ts'
import { fieldCases } from './cases/fields.ts'
import { grantCases } from './cases/grants.ts'
import { idJagCases } from './cases/id-jags.ts'
import { identityCases } from './cases/identity.ts'
import { fullCases, fullSubjectCases, issuerCases } from './cases/issuers.ts'
import { keysCases } from './cases/keys.ts'
import { OUTSIDE_RPCS, reasonsOf, UNPROVOKED } from './cases/matrix.ts'
import { oauthCases } from './cases/oauth.ts'
import { operatorKeyCases } from './cases/operator-keys.ts'
import { operatorRegistryCases } from './cases/operator-registry.ts'
import { fullClientCases, fullPeopleCases, peopleCases } from './cases/people.ts'
import { revocationCases } from './cases/revocation.ts'
import { signalCases } from './cases/signals.ts'
import { statusListCases } from './cases/status-lists.ts'
import { tenantCases } from './cases/tenants.ts'
import { trustCases } from './cases/trust.ts'
import { methods, shortName } from './support/contract.ts'
import { published } from './support/published-reasons.ts'
import type { Pair } from './support/refusal.ts'

const cases: readonly Pair[] = [
  ...operatorRegistryCases,
  ...operatorKeyCases,
  ...identityCases,
  ...attestationCases,
  ...agentKeyCases,
  ...agentMoveCases,
  ...authnCases,
  ...attestedTokenCases,
  ...grantCases,
  ...revocationCases,
  ...keysCases,
  ...deploymentCases,
  ...issuerCases,
  ...fullCases,
  ...fullSubjectCases,
  ...trustCases,
  ...federationCases,
  ...federationAdminCases,
  ...fullFederationCases,
  ...statusListCases,
  ...attestationPolicyCases,
  ...fullAttestationPolicyCases,
  ...signalCases,
  ...peopleCases,
  ...fullPeopleCases,
  ...fullClientCases,
  ...authenticationCases,
  ...tenantCases,
  ...clientAssertionCases,
  ...oauthCases,
  ...exchangeCases,
  ...idJagCases,
  ...dpopCases,
  ...fieldCases,
  ...envelopeCases,
  ...rateCases,
  ...(['DEADLINE_EXCEEDED', 'UNAVAILABLE', 'OVERLOADED'] as const).flatMap(faultCases),
]

describe.each(methods.map((method) => [shortName(method), method] as const))('cases of %s', (_, method) => {
  it('exist for every reason that the method can answer, and for no other reason', () => {
    const seen = new Set(cases.filter((each) => each.method === method).map(({ reason }) => reason))
    expect([...seen].toSorted()).toEqual([...reasonsOf(method)].toSorted())
  })
})

describe('the catalogue of reasons', () => {
  const catalogue = Object.keys(reasons) as ReasonCode[]

  it('has a case for every reason, or an explanation why not', () => {
    const answered = new Set(methods.flatMap((method) => Array.from(reasonsOf(method))).concat(OUTSIDE_RPCS))
    expect(catalogue.filter((reason) => !answered.has(reason)).toSorted()).toEqual(Object.keys(UNPROVOKED).toSorted())
  })

  it('has exactly the published reasons, with their published codes', () => {
    const now = Object.fromEntries(catalogue.map((reason) => [reason, [reasons[reason].status, reasons[reason].code]]))
    expect(now).toEqual(published)
  })
})
