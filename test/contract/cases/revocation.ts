import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { JsonObject } from '@bufbuild/protobuf'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { accessToken } from '../../support/access-tokens.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { goodChain } from './chain-verdicts.ts'
import { goodDelegated } from './delegated-verdicts.ts'

const { revokeToken: method, watchRevocations } = RevocationService.method
const foreign = accessToken(generateKeyPair())

const BAD_TOKENS: Readonly<Record<string, string>> = {
  'a token that is not a JWT': 'token',
  'a token of two parts': 'a.b',
  'a token of another server': foreign,
  'a token without its signature': foreign.replace(/[^.]*$/, ''),
  'a token before a blank': `${foreign} `,
  'a token of alg none': accessToken(generateKeyPair(), { alg: 'none' }),
  'a token of another type': accessToken(generateKeyPair(), { typ: 'auth4agent-operator+jwt' }),
  'a token of 20 KB': 'a'.repeat(20_000),
}

const byId = (name: string, reason: ReasonCode, fields: JsonObject): RefusalCase => ({
  name,
  method,
  reason,
  caller: 'acme',
  request: () => fields,
})

const resumed = (name: string, place: JsonObject): RefusalCase => ({
  name,
  method: watchRevocations,
  reason: 'RESYNC_REQUIRED',
  caller: 'acme',
  request: () => place,
})

/** Cases about the rules of RevocationService. */
export const revocationCases: readonly RefusalCase[] = [
  ...Object.entries(BAD_TOKENS).flatMap(([name, token]): RefusalCase[] => [
    { name, method, reason: 'TOKEN_NOT_OURS', request: () => ({ token }) },
    { name: `${name}, by an operator`, method, reason: 'TOKEN_NOT_OURS', caller: 'acme', request: () => ({ token }) },
  ]),
  { name: 'a jti without an assertion', method, reason: 'UNAUTHENTICATED', request: () => ({ jti: 'some-id' }) },
  {
    name: 'a chain without an assertion',
    method,
    reason: 'UNAUTHENTICATED',
    request: async (world) => ({ token: await goodChain(world) }),
  },
  {
    name: 'a chain of other operators',
    method,
    reason: 'PERMISSION_DENIED',
    caller: 'bravo',
    request: async (world) => ({ token: await goodChain(world) }),
  },
  {
    name: 'a chain with a changed end',
    method,
    reason: 'TOKEN_NOT_OURS',
    caller: 'acme',
    request: async (world) => ({ token: `${await goodChain(world)}x` }),
  },
  {
    name: 'a delegated token without an assertion',
    method,
    reason: 'UNAUTHENTICATED',
    request: (world) => ({ token: goodDelegated(world) }),
  },
  {
    name: 'a delegated token of other operators',
    method,
    reason: 'PERMISSION_DENIED',
    caller: 'bravo',
    request: (world) => ({ token: goodDelegated(world) }),
  },
  {
    name: 'a delegated token with a changed act',
    method,
    reason: 'TOKEN_NOT_OURS',
    caller: 'acme',
    request: (world) => ({ token: goodDelegated(world, {}, { act: { sub: world.agents.active.did } }) }),
  },
  { name: 'neither token nor jti', method, reason: 'INVALID_ARGUMENT', request: () => ({}) },
  byId('both token and jti', 'INVALID_ARGUMENT', { token: foreign, jti: 'some-id' }),
  byId('a jti of 65 characters', 'INVALID_ARGUMENT', { jti: 'a'.repeat(65) }),
  byId('a jti with a blank', 'INVALID_ARGUMENT', { jti: 'some id' }),
  byId('a jti that is not ASCII', 'INVALID_ARGUMENT', { jti: 'idé' }),
  byId('a reason of 501 characters', 'INVALID_ARGUMENT', { jti: 'some-id', reason: 'a'.repeat(501) }),
  resumed('a position beyond the head', { after_sequence: '1000000', log_epoch: 1 }),
  resumed('a position of another log epoch', { after_sequence: '0', log_epoch: 2147483647 }),
]
