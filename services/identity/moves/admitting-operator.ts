import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Call } from '../../calls/call.ts'

/** An operator of this server that admits an agent. */
export interface AdmittingOperator {
  readonly operator: OperatorSnapshot
  readonly label: string
  readonly call: Call
}
