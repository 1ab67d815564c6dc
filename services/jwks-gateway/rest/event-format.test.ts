import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { GetAgentResponseSchema, IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import {
  RevocationKind,
  RevocationService,
  WatchRevocationsRequestSchema,
  WatchRevocationsResponseSchema,
} from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { compileEventWriter, compileLastEventIdReader, errorEvent } from './event-format.ts'

const { watchRevocations: method } = RevocationService.method
const write = compileEventWriter(WatchRevocationsResponseSchema)
const event = (init: Parameters<typeof create<typeof WatchRevocationsResponseSchema>>[1]) =>
  write(create(WatchRevocationsResponseSchema, init))

const HASH = Uint8Array.of(0xfb, 0xff, 0xfe)
const position = { logEpoch: 2, sequence: 9_007_199_254_740_993n, hash: HASH }

describe('compileEventWriter', () => {
  it('writes the case as the event name, and the marked position as the id', () => {
    expect(event({ event: { case: 'head', value: { position } } })).toBe(
      'event: head\nid: 2-9007199254740993--__-\n' +
        'data: {"position":{"log_epoch":2,"sequence":9007199254740993,"hash":"+//+"},"observed_at":null}\n\n',
    )
  })

  it('writes the id from the field that contains a position', () => {
    const value = { position, kind: RevocationKind.AGENT, subject: 'a\nb', minimumEpoch: 3 }
    const [name, id, data, ...end] = event({ event: { case: 'record', value } }).split('\n')
    expect([name, id, end]).toEqual(['event: record', 'id: 2-9007199254740993--__-', ['', '']])
    expect(JSON.parse(data?.replace('data: ', '') ?? '')).toMatchObject({
      kind: 'REVOCATION_KIND_AGENT',
      subject: 'a\nb',
      minimum_epoch: 3,
      operator_id: '',
      position: { log_epoch: 2, hash: '+//+' },
    })
  })

  it('writes no id without a position, and nothing without a case', () => {
    expect(event({ event: { case: 'record', value: {} } })).toMatch(/^event: record\ndata: \{.*\}\n\n$/)
    expect(event({})).toBe('')
  })

  it('errorEvent writes the problem document of an error', () => {
    const [name, data, ...end] = errorEvent(new ApiError('UNAVAILABLE'), 'r1').split('\n')
    expect([name, end]).toEqual(['event: error', ['', '']])
    expect(JSON.parse(data?.replace('data: ', '') ?? '')).toMatchObject({
      reason: 'UNAVAILABLE',
      status: 503,
      request_id: 'r1',
    })
  })

  it('throws for a message that is not one oneof', () => {
    expect(() => compileEventWriter(GetAgentResponseSchema)).toThrow('must be exactly one oneof')
  })
})

const read = (header: string, init = {}) => {
  const request = create(WatchRevocationsRequestSchema, init)
  compileLastEventIdReader(method)(request, header)
  return request
}

describe('compileLastEventIdReader', () => {
  it('reads the id of an event', () => {
    const text = event({ event: { case: 'head', value: { position } } })
    const { afterSequence, logEpoch, hash } = read(/id: (.*)\n/.exec(text)?.[1] ?? '')
    expect([afterSequence, logEpoch, ...hash]).toEqual([position.sequence, 2, ...HASH])
  })

  it('replaces all fields that the query has set, also if the header has fewer parts', () => {
    const query = { afterSequence: 7n, logEpoch: 3, hash: HASH }
    expect(read('1-5', query)).toMatchObject({ afterSequence: 5n, logEpoch: 1, hash: new Uint8Array() })
    expect(read('1', query).afterSequence).toBeUndefined()
  })

  it.each(['x', '1-x', '1-18446744073709551616', '1-5-!', '1-5-A', '1.5-3', '1- 5', '1-2, 1-2'])(
    'refuses the header %j, and says the form of the header',
    (header) => {
      expect(() => read(header)).toThrow('Last-Event-ID must be <log_epoch>-<sequence>-<hash>')
    },
  )

  it('sets nothing for methods without Last-Event-ID', () => {
    const request = create(IdentityService.method.getAgent.input)
    compileLastEventIdReader(IdentityService.method.getAgent)(request, 'x')
    expect(request).toEqual(create(IdentityService.method.getAgent.input))
  })
})
