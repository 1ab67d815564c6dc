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

/** Cases about the rules of KeysService. */
export const keysCases: readonly RefusalCase[] = [
  rotate('an algorithm without a key', 'INVALID_ALGORITHM', () => ({ alg: 'HS256' })),
  rotate('an algorithm without a ready key', 'KEY_NOT_READY', () => ({ alg: 'Ed25519' })),
  rotate('all algorithms, one of which has no ready key', 'KEY_NOT_READY', () => ({})),
  rotate('a key that is active already', 'KEY_NOT_READY', ({ keys }) => ({ kid: keys.active.kid })),
  rotate('an unknown key', 'KEY_NOT_FOUND', () => ({ kid: 'none' })),
  rotate('a key of another algorithm', 'KEY_NOT_FOUND', ({ keys }) => ({ kid: keys.ready.kid, alg: 'ES256' })),
  compromise('an unknown key', 'KEY_NOT_FOUND', () => ({ kid: 'none', force: true })),
  compromise('the only key that could sign', 'KEY_NOT_READY', ({ keys }) => ({ kid: keys.lonely.kid })),
  take('a known key', 'KEY_EXISTS', ({ keys }) => ({ key: keys.active.pem })),
  take('a known key under another algorithm', 'KEY_EXISTS', ({ keys }) => ({
    key: keys.active.pem,
    alg: 'Ed25519',
  })),
  take('an unknown algorithm', 'INVALID_ALGORITHM', ({ keys }) => ({ key: keys.active.pem, alg: 'HS256' })),
  take('an algorithm that does not fit the key', 'INVALID_SIGNING_KEY', ({ keys }) => ({
    key: keys.active.pem,
    alg: 'RS256',
  })),
  take('an unknown purpose', 'INVALID_ARGUMENT', ({ keys }) => ({ key: keys.active.pem, purpose: 'challenge' })),
  take('an introspection key of another algorithm', 'INVALID_SIGNING_KEY', ({ keys }) => ({
    key: keys.active.pem,
    alg: 'Ed25519',
    purpose: 'introspection',
  })),
  take('a grant key of another algorithm', 'INVALID_SIGNING_KEY', ({ keys }) => ({
    key: keys.active.pem,
    alg: 'EdDSA',
    purpose: 'grant',
  })),
  take('an Ed25519 key as a federation key', 'INVALID_SIGNING_KEY', ({ keys }) => ({
    key: keys.active.pem,
    purpose: 'federation',
  })),
  take('an Ed25519 key as a key for security events', 'INVALID_SIGNING_KEY', ({ keys }) => ({
    key: keys.active.pem,
    purpose: 'security_event',
  })),
  take('a known token key as an introspection key', 'KEY_EXISTS', ({ keys }) => ({
    key: keys.active.pem,
    purpose: 'introspection',
  })),
  take('a text that is not a key', 'INVALID_SIGNING_KEY', () => ({ key: 'key' })),
]
