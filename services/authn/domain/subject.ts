import type { AgentSnapshot, OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'

/** An agent and its operator, as the directory returned them in one answer. */
export interface Subject {
  readonly agent: AgentSnapshot
  readonly operator: OperatorSnapshot
}
