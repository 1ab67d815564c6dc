import type { SignalService } from '../../gen/proto/auth4agent/v1/signals_pb.ts'
import type { Policies } from '../calls/policy.ts'

const MANAGE = 'ssf.manage'
const byOperator = { callers: ['operator'], own: 'none' } as const
const manage = { ...byOperator, role: 'policy', scopes: [MANAGE], limit: 'manage', endsTokens: false } as const
const read = { ...byOperator, role: 'any', scopes: ['ssf.read', MANAGE], limit: 'read' } as const

/**
 * Who may call each method of SignalService: an operator about its own streams, and its agents with an access token
 * (CAEP Interoperability Profile 1.0 section 2.7). A stream tells a receiver about revocations, so it is part
 * of the operator's policy.
 */
export const signalPolicies: Policies<typeof SignalService> = {
  createStream: { ...manage, action: 'stream.create', secretField: 'delivery' },
  readStreams: read,
  updateStream: { ...manage, action: 'stream.update', secretField: 'delivery' },
  replaceStream: { ...manage, action: 'stream.update', secretField: 'delivery' },
  deleteStream: { ...manage, action: 'stream.delete', freesStorage: true },
  getStreamStatus: read,
  updateStreamStatus: { ...manage, action: 'stream.set-status' },
  addSubject: { ...manage, action: 'stream.add-subject' },
  removeSubject: { ...manage, action: 'stream.remove-subject' },
  verifyStream: { ...manage, action: 'stream.verify' },
  // Polls are frequent, so none is audited. An acknowledged event is gone, so a poll needs the role of a change.
  pollEvents: { ...byOperator, role: 'policy', scopes: [MANAGE], limit: 'watch', takesEvents: true },
  getSecurityEventKeys: { callers: ['anyone'], limit: 'read', fromMemory: true },
}
