/** One server-sent event. */
export interface ServerSentEvent {
  readonly name: string
  readonly data: string
}

/** The limit for one event, in characters. Every event of the revocation log is smaller. */
const MAX_EVENT_LENGTH = 65_536

/**
 * Reads server-sent events (WHATWG HTML section 9.2.6). It ignores ids and retry times, because positions are in the
 * data. Throws RangeError for an event of more than 65,536 characters, and TypeError for bytes that are not UTF-8.
 *
 * @example
 * ```ts
 * import { readEvents } from '@auth4agent/core/revocation/event-stream'
 *
 * for await (const { name, data } of readEvents(response.body)) console.log(name, data)
 * ```
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let pending = ''
  let event = emptyEvent()
  for await (const chunk of bytes) {
    pending += decoder.decode(chunk, { stream: true })
    // A line may end in CR LF, and a chunk may end between them.
    const lines = pending.split(/\r\n|\n|\r(?!$)/)
    pending = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (event.data !== undefined) yield { name: event.name, data: event.data }
        event = emptyEvent()
      } else addLine(event, line)
      if (event.length > MAX_EVENT_LENGTH) throw tooLarge()
    }
    if (event.length + pending.length > MAX_EVENT_LENGTH) throw tooLarge()
  }
}

function tooLarge(): RangeError {
  return new RangeError(`An event of the revocation log must have at most ${MAX_EVENT_LENGTH} characters`)
}

interface EventSoFar {
  name: string
  data: string | undefined
  length: number
}

function emptyEvent(): EventSoFar {
  return { name: 'message', data: undefined, length: 0 }
}

function addLine(event: EventSoFar, line: string): void {
  event.length += line.length
  const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
  if (field === 'event') event.name = value
  if (field === 'data') event.data = event.data === undefined ? value : `${event.data}\n${value}`
}
