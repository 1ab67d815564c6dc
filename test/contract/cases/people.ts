import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'
import { validRequests } from './valid-requests.ts'

const { putIdentityProvider, removeIdentityProvider } = PeopleService.method

/** Returns a case about a good request with edits. `prepare` makes rows before it. */
function edited(
  method: DescMethod,
  name: string,
  reason: ReasonCode,
  edits: JsonObject | ((world: World) => JsonObject),
  prepare: (world: World) => Promise<unknown> = async () => undefined,
): RefusalCase {
  const request: RefusalCase['request'] = async (world) => {
    await prepare(world)
    const more = typeof edits === 'function' ? edits(world) : edits
    return { ...validRequests[shortName(method)]?.(world), ...more }
  }
  return { name, method, reason, caller: 'acme', request }
}

/** Cases about the rules of PeopleService. */
export const peopleCases: readonly RefusalCase[] = [
  ...['nothing', 'Work', '__proto__'].map((name) =>
    edited(removeIdentityProvider, `the unknown provider ${name}`, 'PROVIDER_NOT_FOUND', { name }),
  ),
  edited(putIdentityProvider, 'a new provider without a secret', 'INVALID_ARGUMENT', { client_secret: '' }),
  edited(putIdentityProvider, 'all users together with required claims', 'INVALID_ARGUMENT', { all_users: true }),
  edited(putIdentityProvider, 'neither all users nor required claims', 'INVALID_ARGUMENT', { required_claims: [] }),
  edited(putIdentityProvider, 'another issuer for a provider', 'INVALID_ISSUER', { name: 'work' }),
  { ...edited(putIdentityProvider, 'an issuer that cannot be found', 'PROVIDER_UNAVAILABLE', {}), audited: false },
]

/** Cases about an operator that has as many providers as it may have, one of them with the issuer. */
export const fullPeopleCases: readonly RefusalCase[] = [
  edited(putIdentityProvider, 'the issuer of another provider', 'ISSUER_EXISTS', {}),
  edited(putIdentityProvider, 'a further provider when there are 4', 'TOO_MANY_PROVIDERS', {
    issuer: 'https://other.acme-operator.example',
  }),
]
