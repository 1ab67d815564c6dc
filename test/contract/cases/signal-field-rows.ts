import { bounded, type FieldRow, many, text } from './field-row.ts'

const streamId: FieldRow = {
  absent: 'INVALID_ARGUMENT',
  wrong: { 'has 1500 characters': [text(1500), 'STREAM_NOT_FOUND'] },
}
/** In a query, null is a text. */
const idInQuery: FieldRow = {
  wrong: { 'is empty': ['', 'INVALID_ARGUMENT'], 'has 1500 characters': [text(1500), 'STREAM_NOT_FOUND'] },
}
const idInPath: FieldRow = { wrong: { 'has 1500 characters': [text(1500), 'STREAM_NOT_FOUND'] } }
const events: FieldRow = {
  wrong: {
    'has 65 entries': [many(65, 'urn:x:'), 'INVALID_ARGUMENT'],
    'has an empty entry': [[''], 'INVALID_ARGUMENT'],
    'has an entry of 257 characters': [[text(257)], 'INVALID_ARGUMENT'],
    'has an entry with a blank': [['urn:x y'], 'INVALID_ARGUMENT'],
  },
  fits: { 'has 64 entries': many(64, 'urn:x:'), 'has an entry of 256 characters': [text(256)] },
}
const description = bounded(256)
const subject: FieldRow = {
  absent: 'INVALID_ARGUMENT',
  wrong: {
    'is empty': [{}, 'INVALID_ARGUMENT'],
    'has a text of 50 KB': [{ format: text(50_000) }, 'SUBJECT_NOT_RECOGNIZED'],
  },
}
const supplied: FieldRow = { wrong: { 'has another value': [['urn:x'], 'INVALID_ARGUMENT'] } }

/** The rows of `delivery` in a request. */
const delivery = (request: string): Record<string, FieldRow> => ({
  [`${request}.delivery`]: {},
  [`${request}.delivery.method`]: {
    absent: 'INVALID_ARGUMENT',
    wrong: { 'is unknown': ['urn:ietf:rfc:8933', 'INVALID_ARGUMENT'], 'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'] },
  },
  [`${request}.delivery.endpoint_url`]: {
    absent: 'INVALID_ARGUMENT',
    wrong: { 'has 2049 characters': [`https://events.bravo-operator.com/${text(2_015)}`, 'INVALID_ARGUMENT'] },
    fits: { 'has 2048 characters': `https://events.bravo-operator.com/${text(2_014)}` },
  },
  [`${request}.delivery.authorization_header`]: {
    wrong: {
      'has 4097 characters': [text(4_097), 'INVALID_ARGUMENT'],
      'has a line end': ['Bearer a\r\nhost: b', 'INVALID_ARGUMENT'],
      'begins with a blank': [' Bearer a', 'INVALID_ARGUMENT'],
      'is not ASCII': ['Bearer é', 'INVALID_ARGUMENT'],
    },
    fits: { 'has 4096 characters': text(4_096) },
  },
})

/** The rows of a request that changes the properties of a stream. */
const change = (request: string): Record<string, FieldRow> => ({
  [`${request}.stream_id`]: streamId,
  ...delivery(request),
  [`${request}.events_requested`]: events,
  [`${request}.description`]: description,
  [`${request}.iss`]: { wrong: { 'is another issuer': ['https://rogue.com', 'INVALID_ARGUMENT'] } },
  [`${request}.aud`]: supplied,
  [`${request}.events_supported`]: supplied,
  [`${request}.events_delivered`]: supplied,
  [`${request}.min_verification_interval`]: {
    wrong: { 'is zero': [0, 'INVALID_ARGUMENT'] },
    fits: { 'is the same': 30 },
  },
})

/** One row for every field of the requests about streams of security events. */
export const signalFieldRows: Readonly<Record<string, FieldRow>> = {
  ...delivery('CreateStreamRequest'),
  'CreateStreamRequest.events_requested': events,
  'CreateStreamRequest.description': description,
  'ReadStreamsRequest.stream_id': idInPath,
  ...change('UpdateStreamRequest'),
  ...change('ReplaceStreamRequest'),
  'DeleteStreamRequest.stream_id': idInQuery,
  'GetStreamStatusRequest.stream_id': idInQuery,
  'UpdateStreamStatusRequest.stream_id': streamId,
  'UpdateStreamStatusRequest.status': {
    absent: 'INVALID_ARGUMENT',
    wrong: { 'is in capitals': ['PAUSED', 'INVALID_ARGUMENT'], 'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'] },
  },
  'UpdateStreamStatusRequest.reason': bounded(256),
  'AddSubjectRequest.stream_id': streamId,
  'AddSubjectRequest.subject': subject,
  'AddSubjectRequest.verified': {},
  'RemoveSubjectRequest.stream_id': streamId,
  'RemoveSubjectRequest.subject': subject,
  'VerifyStreamRequest.stream_id': streamId,
  'VerifyStreamRequest.state': bounded(1_024),
  'PollEventsRequest.stream_id': idInPath,
  'PollEventsRequest.max_events': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is one more than the maximum': [101, 'INVALID_ARGUMENT'],
      'is the largest integer': [2_147_483_647, 'INVALID_ARGUMENT'],
    },
    fits: { 'is zero': 0, 'is the maximum': 100 },
  },
  'PollEventsRequest.return_immediately': {},
  'PollEventsRequest.ack': {
    wrong: {
      'has 1001 entries': [many(1_001, 'j'), 'INVALID_ARGUMENT'],
      'has an empty entry': [[''], 'INVALID_ARGUMENT'],
      'has an entry of 129 characters': [[text(129)], 'INVALID_ARGUMENT'],
    },
    fits: { 'has 1000 entries': many(1_000, 'j'), 'names prototypes': ['__proto__', 'constructor'] },
  },
  'PollEventsRequest.set_errs': {
    wrong: {
      'has an unknown form': [{ j: [] }, 'INVALID_ARGUMENT'],
      'has a code with a blank': [{ j: { err: 'in valid' } }, 'INVALID_ARGUMENT'],
      'has a description of 1025 characters': [{ j: { err: 'x', description: text(1_025) } }, 'INVALID_ARGUMENT'],
    },
    fits: { 'has an error': { j: { err: 'invalid_key', description: text(1_024) } } },
  },
}
