import type { UniversalServerResponse } from '@connectrpc/connect/protocol'
import { dropRest } from '../../http-port/drop-rest.ts'
import type { Exchange } from '../../http-port/exchange.ts'

/** Answers a request whose body still arrives: only a refusal is ready so early. Then closes the connection. */
export async function answerEarly(
  { request, response }: Exchange,
  answered: Pick<UniversalServerResponse, 'status' | 'header' | 'body'>,
): Promise<void> {
  response.writeHead(answered.status, { ...Object.fromEntries(answered.header ?? []), connection: 'close' })
  for await (const chunk of answered.body ?? []) response.write(chunk)
  await dropRest(request)
  response.end()
}
