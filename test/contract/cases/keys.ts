import type { JsonObject } from '@bufbuild/protobuf'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { World } from '../support/world.ts'

const { rotateSigningKeys, markKeyCompromised, importSigningKey } = KeysService.method

const refused =
  (method: RefusalCase['method']) =>
  (name: string, reason: ReasonCode, request: (world: World) => JsonObject): RefusalCase => ({
    name,
    method,
    reason,
    caller: 'admin',
    request,
  })
const rotate = refused(rotateSigningKeys)
const compromise = refused(markKeyCompromised)
const take = refused(importSigningKey)

/** What KeysService refuses by its own rules. */
export const keysCases: readonly RefusalCase[] = [
  rotate('an algorithm of none of its keys', 'INVALID_ALGORITHM', () => ({ alg: 'HS256' })),
  rotate('an algorithm without a ready key', 'KEY_NOT_READY', () => ({ alg: 'Ed25519' })),
  rotate('all algorithms, of which one has no ready key', 'KEY_NOT_READY', () => ({})),
  rotate('a key that signs already', 'KEY_NOT_READY', ({ keys }) => ({ kid: keys.active.kid })),
  rotate('a key that there is not', 'KEY_NOT_FOUND', () => ({ kid: 'none' })),
  rotate('a key of another algorithm', 'KEY_NOT_FOUND', ({ keys }) => ({ kid: keys.ready.kid, alg: 'ES256' })),
  compromise('a key that there is not', 'KEY_NOT_FOUND', () => ({ kid: 'none', force: true })),
  compromise('the only key that could sign', 'KEY_NOT_READY', ({ keys }) => ({ kid: keys.lonely.kid })),
  take('a key that is known', 'KEY_EXISTS', ({ keys }) => ({ key: keys.active.pem })),
  take('a key that is known under another algorithm', 'KEY_EXISTS', ({ keys }) => ({
    key: keys.active.pem,
    alg: 'Ed25519',
  })),
  take('an algorithm that there is not', 'INVALID_ALGORITHM', ({ keys }) => ({ key: keys.active.pem, alg: 'HS256' })),
  take('an algorithm that the key is not for', 'INVALID_SIGNING_KEY', ({ keys }) => ({
    key: keys.active.pem,
    alg: 'RS256',
  })),
  take('a text that is no key', 'INVALID_SIGNING_KEY', () => ({ key: 'key' })),
]
