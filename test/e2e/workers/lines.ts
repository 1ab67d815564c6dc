import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import type { RunningProcess } from '../../support/server.ts'
import { until } from '../../support/until.ts'

/** The answer to a request over a line. */
interface LineAnswer {
  readonly status: number
  readonly text: string
  readonly requestId: string
}

/** One keep-alive connection, so one worker answers everything that is sent over it. */
export interface Line {
  get(path: string): Promise<LineAnswer>
  post(path: string, body: object): Promise<LineAnswer>
  close(): void
}

/** A log line of a server about one of its workers. */
export interface WorkerEvent {
  readonly worker: number
  readonly msg: string
  readonly pid?: number
  readonly reason?: string
  readonly requestId?: string
  readonly rpc?: string
}

/** Creates a line. It connects at its first request. */
export function openLine({ baseUrl }: Pick<RunningProcess, 'baseUrl'>): Line {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (method: string, path: string, body?: string): Promise<LineAnswer> => {
    const { promise, resolve, reject } = Promise.withResolvers<LineAnswer>()
    const requestId = randomUUID()
    const headers = { 'x-request-id': requestId, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const sent = request(`${baseUrl}${path}`, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), requestId })
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
    return promise
  }
  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, JSON.stringify(body)),
    close: () => agent.destroy(),
  }
}

/** Returns everything that a process has logged of its workers, in order. */
export function eventsOf(process: Pick<RunningProcess, 'logs'>): readonly WorkerEvent[] {
  return process
    .logs()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"worker":'))
    .map((line): WorkerEvent => JSON.parse(line))
}

/**
 * Returns the process ids of the workers that listen, by worker number less one. A replacement takes over the number.
 */
export function pidsOf(process: Pick<RunningProcess, 'logs'>): readonly number[] {
  const pids: number[] = []
  for (const { worker, msg, pid } of eventsOf(process)) if (msg === 'a worker listens') pids[worker - 1] = pid ?? 0
  return pids
}

/** Returns the workers that have logged a call since event number `after`. */
export async function answeringWorkers(process: Pick<RunningProcess, 'logs'>, after = 0): Promise<readonly number[]> {
  const calls = eventsOf(process)
    .slice(after)
    .filter(({ msg }) => msg === 'call')
  return [...new Set(calls.map(({ worker }) => worker))]
}

/** Opens lines until each of this many workers has a line. Returns the lines in the order of the workers' numbers. */
export async function openLines(server: Pick<RunningProcess, 'baseUrl' | 'logs'>, workers: number): Promise<Line[]> {
  const lines = new Map<number, Line>()
  for (let opened = 0; lines.size < workers && opened < 10 * workers; opened += 1) {
    const line = openLine(server)
    const worker = await workerBehind(line, server)
    if (lines.has(worker)) line.close()
    else lines.set(worker, line)
  }
  const sorted = [...lines].toSorted(([a], [b]) => a - b)
  if (sorted.length < workers) throw new Error(`Only ${sorted.length} of ${workers} workers accepted a connection`)
  return sorted.map(([, line]) => line)
}

/** Finds the worker that answers a line, in the server's log. */
export async function workerBehind(line: Line, server: Pick<RunningProcess, 'logs'>): Promise<number> {
  const { requestId } = await line.post('/v1/verify', { token: 'none' })
  const found = await until(
    async () => eventsOf(server).find((event) => event.requestId === requestId),
    (event) => event !== undefined,
  )
  return found?.worker ?? 0
}
