/** Answer of a server. */
export interface Answer {
  readonly kind: 'answer'
  readonly status: number
  /** Undefined if the body is not JSON. */
  readonly json: unknown
  /** The Date header. */
  readonly date: string | null
  /** Times of the request and of the answer's headers, in Unix milliseconds. */
  readonly askedAtMs: number
  readonly cameAtMs: number
}

/** Reason why there is no answer. `code` is the error code of the system or of TLS, or empty. */
export interface NoAnswer {
  readonly kind: 'none'
  readonly code: string
  readonly message: string
}

/** Requests paths of a server, each path only once. Never rejects. */
export interface Probe {
  /** Address without a slash at its end. */
  readonly server: string
  /** The issuer that the server must have. */
  readonly issuer: string
  get(path: string): Promise<Answer | NoAnswer>
}

/** Options of {@link createProbe}. */
export interface ProbeOptions {
  readonly server: string
  /** The issuer, if it differs from the address. */
  readonly issuer?: string | undefined
  readonly fetch: typeof globalThis.fetch
  /** Unix milliseconds. */
  readonly now: () => number
  readonly timeoutMs: number
}

const MAX_BYTES = 1_048_576

/** Creates a probe of one server. */
export function createProbe({ server, issuer, fetch, now, timeoutMs }: ProbeOptions): Probe {
  const base = server.replace(/\/+$/, '')
  const asked = new Map<string, Promise<Answer | NoAnswer>>()
  const ask = async (path: string): Promise<Answer | NoAnswer> => {
    const askedAtMs = now()
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(base + path, { headers: { accept: 'application/json' }, redirect: 'manual', signal })
      const cameAtMs = now()
      const json = parseJson(await readText(response))
      return { kind: 'answer', status: response.status, json, date: response.headers.get('date'), askedAtMs, cameAtMs }
    } catch (error) {
      return noAnswer(error)
    }
  }
  return {
    server: base,
    issuer: issuer ?? base,
    get(path) {
      const answer = asked.get(path) ?? ask(path)
      asked.set(path, answer)
      return answer
    },
  }
}

/** Returns the JSON object of an answer with status 200, or undefined for anything else. */
export function objectOf(answer: Answer | NoAnswer): Readonly<Record<string, unknown>> | undefined {
  return answer.kind === 'answer' && answer.status === 200 && isObject(answer.json) ? answer.json : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) throw new RangeError(`The answer has more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function noAnswer(error: unknown): NoAnswer {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return { kind: 'none', code: '', message: String(cause) }
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
  return { kind: 'none', code, message: cause.message || code }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
