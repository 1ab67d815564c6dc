import type { AuthorizeDeviceRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps } from '../config.ts'
import { authenticateProgram, type ProgramDeps } from './authenticate-program.ts'
import { useAssertion } from './issue-statement.ts'

/** The dependencies of authorizeDevice. */
type DeviceDeps = ProgramDeps & Pick<AuthnDeps, 'devices' | 'db'>

/**
 * Begins the device authorization grant (RFC 8628 section 3.1).
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_AUDIENCE, INVALID_SCOPE, CLIENT_NOT_ACCEPTED, CLIENT_NOT_ALLOWED,
 *   TOO_MANY_DEVICES, ASSERTION_USED, and as authenticateProgram
 */
export async function authorizeDevice(deps: DeviceDeps, request: AuthorizeDeviceRequest, call: Call) {
  const { clientId, clientAssertion, clientAssertionType, resource, scope } = request
  if (clientId === '') throw new ApiError('INVALID_ARGUMENT', 'client_id must not be missing')
  const [audience = '', ...more] = resource
  if (audience === '' || more.length > 0) throw new ApiError('INVALID_AUDIENCE', 'resource must occur exactly once')
  const judged = await deps.devices.judge({ clientId, audience, scope }, call.source ?? '')
  const assertion = await authenticateProgram(deps, { clientId, clientAssertion, clientAssertionType }, judged, call)
  await useAssertion(deps.db.pool, assertion)
  return deps.devices.start(judged, { ...call, principal: { kind: 'client', clientId } })
}
