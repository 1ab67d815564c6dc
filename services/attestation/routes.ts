import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type {
  AttestationResultSchema,
  AttestationService,
  CreateAttestationNonceRequest,
} from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { change } from '../ledger/ledger.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkPublicKey } from '../platform/requests/check-public-key.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { bindTo } from './appraise.ts'
import { attestAgent } from './attest.ts'
import type { AttestationDeps } from './config.ts'
import { type Nonce, PURPOSES, sealNonce } from './nonce.ts'
import type { CurrentResult } from './rules/results.ts'
import { readAttestors } from './store/read-policy.ts'
import { readResults } from './store/results.ts'
import { RefusedEvidence } from './types/attestor-type.ts'
import { isAttestorType } from './types/is-attestor-type.ts'

/** How long a nonce can be used, in milliseconds: time enough for a TPM. */
const NONCE_TTL_MS = 300_000
const MAX_CHALLENGE_INPUT = 16 * 1024

/** Creates the handlers of AttestationService. */
export function attestationRoutes(deps: AttestationDeps): Handlers<typeof AttestationService> {
  return {
    async createAttestationNonce(request) {
      const { publicKey, purpose } = checkNonceRequest(request)
      const binding = bindTo(deps, publicKey)
      const scope = { purpose, operatorId: request.operatorId, thumbprint: binding.thumbprint }
      const nonce = sealNonce(deps.nonceKey, scope, deps.now() + NONCE_TTL_MS)
      return {
        nonce: nonce.text,
        expiresAt: timestampFromMs(nonce.expiresAt),
        audience: binding.audience,
        ...(request.attestor !== '' && { challenge: await makeChallenge(deps, request, nonce, publicKey) }),
      }
    },

    async attest({ did, attestation }, call) {
      if (attestation === undefined) throw new ApiError('INVALID_ARGUMENT', 'attestation must be given')
      const results = await attestAgent(deps, call, { did, attestation, purpose: 'attest' })
      return { results: results.map(toResultMessage) }
    },

    async listAttestationResults({ operatorId, agent: name }) {
      const { id } = await findAgent(deps.readDb, operatorId, name)
      return { results: (await readResults(deps.readDb.prisma, id)).map(toResultMessage) }
    },

    async removeAttestationResults({ operatorId, agent: name, reason }, call) {
      checkReason(reason)
      const { id, did } = await findAgent(deps.db, operatorId, name)
      const removed = await change(deps.db.prisma, call, async (tx, audit) => {
        // First the agent, as Attest does, so that the two calls never wait for each other.
        const raised = { version: { increment: 1 }, epoch: { increment: 1 } }
        const agents = await tx.agent.updateMany({ where: { id, operatorId }, data: raised })
        if (agents.count === 0) throw new ApiError('AGENT_NOT_FOUND')
        const { count } = await tx.attestationResult.deleteMany({ where: { agentId: id } })
        await audit({ action: 'agent.remove-results', subject: did, operatorId, reason })
        return count
      })
      return { agentDid: did, removed }
    },
  }
}

/** Returns a result as a message. */
export function toResultMessage(result: CurrentResult): MessageInitShape<typeof AttestationResultSchema> {
  const { attestor, type, level, claims, verifiedAt, expiresAt } = result
  const shown = Object.entries(claims).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value])
  return {
    attestor,
    type,
    level,
    claims: Object.fromEntries(shown),
    verifiedAt: timestampFromMs(verifiedAt),
    expiresAt: timestampFromMs(expiresAt),
  }
}

function checkNonceRequest({ agentPublicKey, purpose: name, operatorId }: CreateAttestationNonceRequest) {
  const purpose = PURPOSES.find((each) => each === name)
  if (purpose === undefined) {
    throw new ApiError('INVALID_ARGUMENT', `purpose must be one of ${PURPOSES.join(', ')}`)
  }
  if (!isUuid(operatorId)) throw new ApiError('INVALID_ARGUMENT', 'operator_id must be a UUID in lower case')
  return { publicKey: checkPublicKey('agent_public_key', agentPublicKey), purpose }
}

async function makeChallenge(
  deps: AttestationDeps,
  { operatorId, attestor: name, challengeInput: input }: CreateAttestationNonceRequest,
  nonce: Nonce,
  publicKey: Uint8Array,
): Promise<Uint8Array> {
  if (input.length > MAX_CHALLENGE_INPUT) {
    throw new ApiError('INVALID_ARGUMENT', `challenge_input must have at most ${MAX_CHALLENGE_INPUT} bytes`)
  }
  const [attestor] = await readAttestors(deps.db.prisma, operatorId, [name])
  if (attestor === undefined) throw new ApiError('ATTESTOR_NOT_FOUND')
  const challenge = isAttestorType(attestor.type) ? deps.types[attestor.type]?.challenge : undefined
  if (challenge === undefined) {
    throw new ApiError('INVALID_ARGUMENT', `attestor must be empty for the type ${attestor.type}`)
  }
  try {
    return await challenge(attestor.config, input, {
      binding: { ...bindTo(deps, publicKey), nonce },
      issuer: deps.issuer,
      attestorId: attestor.id,
      now: deps.now(),
      skewMs: deps.skewMs,
    })
  } catch (error) {
    if (error instanceof RefusedEvidence) throw new ApiError('EVIDENCE_REFUSED', `Attestor ${name}: ${error.message}`)
    throw error
  }
}

async function findAgent({ prisma }: Db, operatorId: string, name: string) {
  const named = isUuid(name) ? { id: name } : { did: name }
  const agent = await prisma.agent.findFirst({ where: { operatorId, ...named }, select: { id: true, did: true } })
  if (agent === null) throw new ApiError('AGENT_NOT_FOUND')
  return agent
}
