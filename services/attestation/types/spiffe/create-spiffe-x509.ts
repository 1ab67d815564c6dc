import { type AttestorType, RefusedEvidence } from '../attestor-type.ts'
import { checkMembers, invalidConfig } from '../read-config.ts'
import { appraiseChain } from '../x509/evidence.ts'
import type { Certificate } from '../x509/path/certificate.ts'
import { CertificateError } from '../x509/path/certificate-error.ts'
import { createBundleSource, type SpiffeDeps } from './bundle-source.ts'
import { parseWorkloadId, type SpiffeId } from './spiffe-id.ts'
import { currentBundle, readTrust, TRUST_MEMBERS, type TrustConfig } from './trust-config.ts'

/** Creates the type `spiffe-x509`: an X509-SVID, whose key signs the nonce and the agent's key. */
export function createSpiffeX509(deps: SpiffeDeps): AttestorType<TrustConfig> {
  const getBundle = createBundleSource(deps)
  return {
    parseConfig(config) {
      checkMembers(config, TRUST_MEMBERS)
      const trust = readTrust(config)
      if ('bundle' in trust.source && trust.source.bundle.roots.length === 0) {
        throw invalidConfig('bundle', 'must have at least one x509-svid key')
      }
      return trust
    },
    async appraise(config, evidence, context) {
      const { roots } = await currentBundle(config, context.attestorId, getBundle)
      if (roots.length === 0)
        throw new RefusedEvidence('The bundle has no x509-svid key, so every X509-SVID is revoked')
      const checkIssuer = (issuer: Certificate) => checkIssuerId(issuer, config.trustDomain)
      const { leaf, expiresAt } = appraiseChain(evidence, { roots, checkIssuer }, context)
      const { trustDomain, path } = readId(leaf, config.trustDomain)
      const id = `spiffe://${trustDomain}${path}`
      const notAfter = Math.floor(leaf.notAfter / 1_000)
      return {
        claims: { spiffe_id: id, trust_domain: trustDomain, path, not_after: notAfter },
        level: 'bound',
        expiresAt,
        uses: [],
      }
    },
  }
}

/** Checks what the standard demands of a leaf besides a path (X509-SVID sections 2 to 5). */
function readId({ names, keyUsage }: Certificate, trustDomain: string): SpiffeId {
  const [uri, ...others] = names.uris
  if (uri === undefined || others.length > 0) {
    throw new RefusedEvidence('The leaf must have exactly one URI among its alternative names')
  }
  if (keyUsage?.has('cRLSign') === true) throw new RefusedEvidence('The leaf must not have the key usage cRLSign')
  const id = parseWorkloadId(uri, trustDomain)
  if (id !== undefined) return id
  throw new RefusedEvidence(`The URI of the leaf must be a SPIFFE ID with a path in the trust domain ${trustDomain}`)
}

/** A CA needs no SPIFFE ID. If it has one, it is the trust domain's own (X509-SVID section 3.2). */
function checkIssuerId({ names: { uris } }: Certificate, trustDomain: string): void {
  if (uris.length === 0 || (uris.length === 1 && uris[0] === `spiffe://${trustDomain}`)) return
  throw new CertificateError(`must have no URI, or only spiffe://${trustDomain}`)
}
