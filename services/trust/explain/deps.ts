import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  TrustCureSchema,
  TrustEdgeSchema,
  TrustLegSchema,
  TrustMissingSchema,
} from '../../../gen/proto/auth4agent/v1/trust_pb.ts'
import type { TrustDeps } from '../config.ts'
import type { ExplainRows } from './rows.ts'

/** What an explanation needs. */
export interface ExplainDeps extends Pick<TrustDeps, 'now' | 'issuer'> {
  readonly knowledge: Pick<TrustDeps['knowledge'], 'current'>
  readonly operators: Pick<TrustDeps['operators'], 'lookupAudienceOwner' | 'lookupOperator'>
  readonly tokenStatus: Pick<TrustDeps['tokenStatus'], 'checkTrust'>
  readonly logs: Pick<TrustDeps['logs'], 'of'>
  readonly rows: ExplainRows
}

/** One of the three needs, as the contract has it. */
export type Leg = MessageInitShape<typeof TrustLegSchema>
/** An edge, as the contract has it. */
export type EdgeMessage = MessageInitShape<typeof TrustEdgeSchema>
/** A cure, as the contract has it. */
export type CureMessage = MessageInitShape<typeof TrustCureSchema>
/** A missing edge, as the contract has it. */
export type MissingMessage = MessageInitShape<typeof TrustMissingSchema>
