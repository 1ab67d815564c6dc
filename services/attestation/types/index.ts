import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { deriveHmacKey, type HmacKey } from '../../platform/crypto/hmac.ts'
import type { Outbound } from '../../platform/outbound/outbound.ts'
import type { Appraisal, AppraisalContext, AttestorType, AttestorTypeName } from './attestor-type.ts'
import { createClientAttestation } from './client-attestation/create-client-attestation.ts'
import { createEat } from './eat/create-eat.ts'
import { createJoinToken } from './join-token/create-join-token.ts'
import { createOidcTypes } from './oidc/create-oidc.ts'
import { createSpiffeJwt } from './spiffe/create-spiffe-jwt.ts'
import { createSpiffeX509 } from './spiffe/create-spiffe-x509.ts'
import { createTpm } from './tpm/create-tpm.ts'
import { createX509 } from './x509/create-x509.ts'

/** A type that reads the configuration of an attestor each time it is used. */
interface BoundType {
  /** Throws ApiError INVALID_ATTESTOR. */
  checkConfig(config: JsonObject): void
  /** Undefined for a type without a challenge of its own. */
  readonly challenge:
    | ((config: JsonObject, input: Uint8Array, context: AppraisalContext) => Promise<Uint8Array>)
    | undefined
  appraise(config: JsonObject, evidence: Uint8Array, context: AppraisalContext): Promise<Appraisal>
}

/** All types that this version knows. */
export type AttestorTypes = Readonly<Partial<Record<AttestorTypeName, BoundType>>>

/** What the types need of the server. */
export interface TypeDeps {
  readonly prisma: PrismaClient
  readonly outbound: Pick<Outbound, 'get'>
  /** Returns monotonic milliseconds. */
  readonly monotonic: () => number
  /** The key with which nonces are sealed. */
  readonly nonceKey: HmacKey
}

/** Creates all types of attestors. */
export function createAttestorTypes({ prisma, outbound, monotonic, nonceKey }: TypeDeps): AttestorTypes {
  const oidc = createOidcTypes({ outbound, now: monotonic })
  const spiffe = { outbound, now: monotonic }
  return {
    oidc: bindType(oidc.oidc),
    kubernetes: bindType(oidc.kubernetes),
    'github-actions': bindType(oidc['github-actions']),
    gitlab: bindType(oidc.gitlab),
    gcp: bindType(oidc.gcp),
    azure: bindType(oidc.azure),
    'spiffe-jwt': bindType(createSpiffeJwt(spiffe)),
    'spiffe-x509': bindType(createSpiffeX509(spiffe)),
    x509: bindType(createX509()),
    tpm: bindType(createTpm({ challengeKey: deriveHmacKey(nonceKey, 'challenges of TPMs') })),
    eat: bindType(createEat()),
    'client-attestation': bindType(createClientAttestation()),
    'join-token': bindType(createJoinToken(prisma)),
  }
}

function bindType<Config>(type: AttestorType<Config>): BoundType {
  return {
    checkConfig: (config) => void type.parseConfig(config),
    challenge:
      type.challenge &&
      (async (config, ...rest) => {
        const challenge = type.challenge?.(type.parseConfig(config), ...rest)
        if (challenge === undefined) throw new Error('The type has no challenge')
        return challenge
      }),
    appraise: async (config, ...rest) => type.appraise(type.parseConfig(config), ...rest),
  }
}
