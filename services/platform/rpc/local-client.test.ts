import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import {
  LookupOperatorResponseSchema,
  OperatorDirectoryService,
} from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../errors/api-error.ts'
import { localClient } from './local-client.ts'

describe('localClient', () => {
  it('fills in default values in the request and the response', async () => {
    const client = localClient(OperatorDirectoryService, {
      lookupOperator: async ({ by }) => ({ operator: { id: by.value ?? '' } }),
      lookupAudienceOwner: async ({ host }) => ({ operatorId: `[${host}]` }),
    })
    const answer = await client.lookupOperator({ by: { case: 'id', value: 'a' } })
    expect(answer.operator).toMatchObject({ id: 'a', domain: '', epoch: 0 })
    expect(await client.lookupAudienceOwner({})).toMatchObject({ operatorId: '[]', rules: [] })
  })

  it('returns a response that is already a message unchanged', async () => {
    const message = create(LookupOperatorResponseSchema, { operator: { id: 'a' } })
    const client = localClient(OperatorDirectoryService, {
      lookupOperator: async () => message,
      lookupAudienceOwner: async () => ({}),
    })
    expect(await client.lookupOperator({})).toBe(message)
  })

  it('rejects with the same error object that the handler throws', async () => {
    const error = new ApiError('UNAVAILABLE')
    const client = localClient(OperatorDirectoryService, {
      lookupOperator: () => Promise.reject(error),
      lookupAudienceOwner() {
        throw error
      },
    })
    await expect(client.lookupOperator({})).rejects.toBe(error)
    await expect(client.lookupAudienceOwner({})).rejects.toBe(error)
  })
})
