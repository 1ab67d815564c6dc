/** One server-sent event. */
export interface ServerSentEvent {
  readonly name: string
  readonly data: string
}

/** Larger than any event of the revocation log. */
const MAX_EVENT_LENGTH = 65_536

/**
 * Reads server-sent events (WHATWG HTML section 9.2.6). Ids and retry times are of no use here: positions are in the data. Throws
 * RangeError for an event of more than 65,536 characters, TypeError for what is not UTF-8.
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let pending = ''
  let event = emptyEvent()
  for await (const chunk of bytes) {
    pending += decoder.decode(chunk, { stream: true })
    // A line may end in CR LF, and a chunk between them.
    const lines = pending.split(/\r\n|\n|\r(?!$)/)
    pending = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (event.data !== undefined) yield { name: event.name, data: event.data }
        event = emptyEvent()
      } else addLine(event, line)
      if (event.length > MAX_EVENT_LENGTH) throw new RangeError('an event of the feed is too large')
    }
    if (event.length + pending.length > MAX_EVENT_LENGTH) throw new RangeError('an event of the feed is too large')
  }
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
