import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import {
  AgentSnapshotSchema,
  LookupAudienceOwnerResponseSchema,
  OperatorSnapshotSchema,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { mayKnow } from './introspect.ts'

const ISSUER = 'https://auth.owner.example'
const caller = {
  agent: create(AgentSnapshotSchema),
  operator: create(OperatorSnapshotSchema, { id: 'caller', domain: 'owner.example' }),
}
const deps = {
  issuer: ISSUER,
  operators: {
    lookupOperator: () => expect.fail(),
    // The caller owns every host under its domain, the host of the issuer too.
    lookupAudienceOwner: async ({ host = '' }) =>
      create(LookupAudienceOwnerResponseSchema, { operatorId: host.endsWith('owner.example') ? 'caller' : 'other' }),
  },
}

it.each<[string, string, string[], boolean]>([
  ['a token of its own operator', 'caller', ['https://x.example'], true],
  ['a token for an audience that its operator owns', 'other', ['https://x.example', 'https://api.owner.example'], true],
  ['a token for a host that its operator owns', 'other', ['owner.example'], true],
  ['no token for another audience', 'other', ['https://x.example'], false],
  ['no token for the issuer, although its operator owns the issuer’s domain', 'other', [ISSUER], false],
  ['no token for a text that is no audience', 'other', ['urn:x'], false],
])('mayKnow lets an agent know %s', async (_, operator_id, aud, isKnown) => {
  expect(await mayKnow(deps, caller, { operator_id, aud })).toBe(isKnown)
})
