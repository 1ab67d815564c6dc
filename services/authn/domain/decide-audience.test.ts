import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import {
  AgentSnapshotSchema,
  LookupAudienceOwnerResponseSchema,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { decideAudience } from './decide-audience.ts'

const AUDIENCE = { text: 'https://api.owner.example/v1', host: 'api.owner.example' }
const subject = {
  agent: create(AgentSnapshotSchema),
  operator: create(OperatorSnapshotSchema, { id: 'caller', domain: 'caller.example' }),
}
const decide = (operatorId: string, audience = '', callers: string[] = []) => {
  const rules = audience === '' ? [] : [{ audience, callers }]
  const owner = create(LookupAudienceOwnerResponseSchema, { operatorId, rules })
  return reasonOf(() => decideAudience(AUDIENCE, owner, subject))
}

it.each<[string, Parameters<typeof decide>]>([
  ['nobody owns', ['']],
  ['the caller owns', ['caller']],
  ['the owner lists for the caller', ['owner', AUDIENCE.text, ['caller.example']]],
  ['the owner lists by its host', ['owner', AUDIENCE.host, ['caller.example']]],
  ['the owner lists for everybody', ['owner', AUDIENCE.text, ['*']]],
])('allows an audience that %s', (_, about) => {
  expect(decide(...about)).toBeUndefined()
})

it.each<[string, Parameters<typeof decide>]>([
  ['lists nothing', ['owner']],
  ['lists nobody', ['owner', AUDIENCE.text, []]],
  ['lists another caller', ['owner', AUDIENCE.text, ['other.example']]],
  ['lists a domain above the caller', ['owner', AUDIENCE.text, ['example']]],
  ['lists a domain below the caller', ['owner', AUDIENCE.text, ['sub.caller.example']]],
  ['lists another path', ['owner', 'https://api.owner.example/', ['caller.example']]],
  ['lists a parent of the host', ['owner', 'owner.example', ['caller.example']]],
])('refuses an audience whose owner %s', (_, about) => {
  expect(decide(...about)).toBe('AUDIENCE_NOT_ALLOWED')
})
