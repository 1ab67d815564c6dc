import { connect } from 'node:http2'
import type { Case } from './cases.ts'
import { callGrpc } from './load/call-grpc.ts'
import type { LoadResult } from './load/load-request.ts'
import { postAll } from './load/post-all.ts'

/** Some answers of a case were not as expected, so the measurement says nothing about speed. */
export class MeasurementError extends Error {}

type Counts = Pick<LoadResult, 'requests' | 'failures' | 'bytes'>

/** The bytes by which good answers may differ in length, because a time may be written shorter in one answer. */
const BYTES_THAT_VARY = 24

/** Requests a few answers, checks their content, and returns the shortest length. A shorter answer is a refusal. */
export async function leastAnswerBytes(
  kind: Pick<Case, 'title' | 'protocol' | 'contentType' | 'expects' | 'isGood'>,
  url: string,
  samples: readonly (string | Buffer)[],
): Promise<number> {
  const { contentType } = kind
  if (kind.protocol === 'grpc') return leastGrpcBytes(kind, url, samples)
  const answers = await postAll({ url, contentType, bodies: samples.map(String) })
  const wrong = answers.find(({ body }) => !body.includes(kind.expects))
  if (wrong !== undefined) throw new MeasurementError(`${kind.title}: unexpected answer ${wrong.body}`)
  return Math.min(...answers.map(({ bytes }) => bytes)) - BYTES_THAT_VARY
}

async function leastGrpcBytes(
  { title, contentType, isGood }: Pick<Case, 'title' | 'contentType' | 'isGood'>,
  url: string,
  [sample = '']: readonly (string | Buffer)[],
): Promise<number> {
  const { origin, pathname } = new URL(url)
  const session = connect(origin)
  const answer = await callGrpc(session, { path: pathname, contentType, body: Buffer.from(sample) })
  session.close()
  if (answer === undefined || isGood?.(answer) !== true)
    throw new MeasurementError(`${title}: the server refused a call over gRPC`)
  return answer.length - BYTES_THAT_VARY
}

/** Throws unless all requests were answered with 200 or 204, and with answers no shorter than expected. */
export function expectAll(name: string, { requests, failures, bytes }: Counts, leastBytes: number): void {
  if (requests === 0) throw new MeasurementError(`${name}: no answer`)
  if (failures > 0) throw new MeasurementError(`${name}: ${failures} of ${requests} requests were not answered 200`)
  if (bytes < requests * leastBytes)
    throw new MeasurementError(
      `${name}: answers have ${bytes / requests} bytes, but at least ${leastBytes} were expected`,
    )
}

/** Throws unless each answer left a row. A request that was still running at the end may have left a row too. */
export function expectRows(
  name: string,
  { requests, sent }: Pick<LoadResult, 'requests' | 'sent'>,
  rows: number,
): void {
  if (rows < requests || rows > sent) throw new MeasurementError(`${name}: ${requests} answers left ${rows} rows`)
}
