import { connect } from 'node:http2'
import { type Case, isValidVerdict } from './cases.ts'
import { callGrpc } from './load/call-grpc.ts'
import type { LoadResult } from './load/load-request.ts'
import { postAll } from './load/post-all.ts'

/** A case whose answers were not all as they should be: it says nothing about speed. */
export class MeasurementError extends Error {}

type Counts = Pick<LoadResult, 'requests' | 'failures' | 'bytes'>

/** A time in an answer may be a little shorter than in another. */
const BYTES_THAT_VARY = 24

/** Asks for a few answers, checks what they say, and tells how long the shortest is: one that refuses is shorter. */
export async function leastAnswerBytes(
  kind: Pick<Case, 'title' | 'protocol' | 'contentType' | 'expects'>,
  url: string,
  samples: readonly (string | Buffer)[],
): Promise<number> {
  const { contentType } = kind
  if (kind.protocol === 'grpc') return leastGrpcBytes(url, contentType, samples)
  const answers = await postAll({ url, contentType, bodies: samples.map(String) })
  const wrong = answers.find(({ body }) => !body.includes(kind.expects))
  if (wrong !== undefined) throw new MeasurementError(`${kind.title}: an answer was ${wrong.body}`)
  return Math.min(...answers.map(({ bytes }) => bytes)) - BYTES_THAT_VARY
}

async function leastGrpcBytes(
  url: string,
  contentType: string,
  [sample = '']: readonly (string | Buffer)[],
): Promise<number> {
  const { origin, pathname } = new URL(url)
  const session = connect(origin)
  const answer = await callGrpc(session, { path: pathname, contentType, body: Buffer.from(sample) })
  session.close()
  if (answer === undefined || !isValidVerdict(answer)) throw new MeasurementError('a gRPC verification was refused')
  return answer.length - BYTES_THAT_VARY
}

/** Throws unless all requests were answered 200, by answers no shorter than those that were looked at. */
export function expectAll(name: string, { requests, failures, bytes }: Counts, leastBytes: number): void {
  if (requests === 0) throw new MeasurementError(`${name}: no answer came`)
  if (failures > 0) throw new MeasurementError(`${name}: ${failures} of ${requests} requests were not answered 200`)
  if (bytes < requests * leastBytes)
    throw new MeasurementError(`${name}: answers have ${bytes / requests} bytes, ${leastBytes} at least were expected`)
}

/** Throws unless each answer left a row; so may each request that was under way at the end. */
export function expectRows(
  name: string,
  { requests, sent }: Pick<LoadResult, 'requests' | 'sent'>,
  rows: number,
): void {
  if (rows < requests || rows > sent) throw new MeasurementError(`${name}: ${requests} answers left ${rows} rows`)
}
