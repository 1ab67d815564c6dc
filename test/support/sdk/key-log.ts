import { createHash } from 'node:crypto'
import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import { challengeMessage } from '@auth4agent/core/identity/challenge'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { recordedInception } from '@auth4agent/core/key-events/key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import { applied, stateOf } from '../key-events.ts'
import type { Json } from './issuer.ts'

/** A kind of call about the log of an agent's keys. */
type LogCall = 'read log' | 'append event' | 'read agent' | 'object'
/**
 * What a test does when a call arrives. `afterwards` runs after the call took effect and may throw: the answer is
 * lost.
 */
interface Intervention {
  readonly first?: () => Promise<void> | void
  readonly refusal?: { readonly status: number; readonly reason: string }
  readonly afterwards?: () => Promise<void> | void
}

const MOVE_DELAY_MS = 7 * 86_400_000
const REASONS: Readonly<Record<string, string>> = {
  conflict: 'KEY_EVENT_CONFLICT',
  'not-committed': 'KEY_NOT_COMMITTED',
  reused: 'KEY_REUSED',
  full: 'KEY_EVENT_LIMIT',
}

class Refusal extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string) {
    super(`It is ${reason}`)
    this.status = status
    this.reason = reason
  }
}

/**
 * The log of one agent's keys, which stands before a fake issuer. It decides about events as a server does, and
 * refuses signatures of keys that are not keys of the agent. `fetch` is for clients.
 */
export class KeyLogServer {
  readonly did: string
  events: readonly string[]
  /** The recovery or the move that waits. */
  waiting: string | undefined
  /** The server's time in Unix milliseconds, for the Date header of answers about the log. */
  now: () => number = Date.now
  /** How many signatures of wrong keys were refused. */
  refusedSignatures = 0
  readonly #counts = new Map<LogCall, number>()
  readonly #interventions = new Map<LogCall, Intervention[]>()

  /** `inception` is the first event, by default one that the server recorded. */
  constructor(firstKey: Uint8Array, inception?: string) {
    this.did = formatDid('acme.example', fingerprint(firstKey))
    const iat = Math.floor(Date.now() / 1000) - 10
    this.events = [inception ?? recordedInception({ did: this.did, key: ed25519Jwk(firstKey), iat })]
  }

  get state(): KeyState {
    return stateOf(this.events)
  }

  /** Returns how many calls of a kind arrived. */
  count(call: LogCall): number {
    return this.#counts.get(call) ?? 0
  }

  /** Sets what happens at the next calls of a kind, in order. */
  next(call: LogCall, ...interventions: readonly Intervention[]): void {
    this.#interventions.set(call, [...(this.#interventions.get(call) ?? []), ...interventions])
  }

  /** Appends an event as the server does. */
  append(event: string): void {
    this.#check(event)
    this.events = [...this.events, event]
  }

  #check(event: string): void {
    const next = applied(this.state, event)
    if (!next.ok) throw new Refusal(409, REASONS[next.why] ?? 'INVALID_KEY_EVENT')
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    const isPost = init?.method === 'POST'
    const calls: Readonly<Record<string, LogCall>> = {
      [`/v1/agent/${this.did}`]: 'read agent',
      [`/v1/agent/${this.did}/events`]: isPost ? 'append event' : 'read log',
      [`/v1/agent/${this.did}/objections`]: 'object',
    }
    const call = calls[pathname]
    const sent = textOf(init?.body)
    if (call !== undefined) return this.#answer(call, sent === '' ? {} : JSON.parse(sent))
    const reason = this.#refusalOf(pathname, sent)
    if (reason === undefined) return fetch(input, init)
    this.refusedSignatures += 1
    return refused(new Refusal(401, reason), this.now())
  }

  async #answer(call: LogCall, body: Json): Promise<Response> {
    this.#counts.set(call, this.count(call) + 1)
    const intervention = this.#interventions.get(call)?.shift()
    await intervention?.first?.()
    try {
      if (intervention?.refusal !== undefined)
        throw new Refusal(intervention.refusal.status, intervention.refusal.reason)
      const answer = this.#perform(call, body)
      await intervention?.afterwards?.()
      return Response.json(answer, { headers: dated(this.now()) })
    } catch (error) {
      if (error instanceof Refusal) return refused(error, this.now())
      throw error
    }
  }

  #perform(call: LogCall, { event, objection }: Json): Json {
    if (call === 'append event') {
      const text = String(event)
      if (claimsOf(text).type === 'move') return this.#wait(text)
      if (!this.events.includes(text)) this.append(text)
      return { did: this.did, ...record(text, this.events.indexOf(text)) }
    }
    if (call === 'object') {
      const digest = this.waiting && digestOf(this.waiting)
      if (digest === undefined || claimsOf(String(objection)).event !== digest)
        throw new Refusal(404, 'NOTHING_PENDING')
      this.waiting = undefined
      return { did: this.did, digest }
    }
    const pending = this.waiting === undefined ? [] : [record(this.waiting, 0)]
    if (call === 'read log') return { events: this.events.map(record), next_page_token: '', pending }
    const agent_public_key = Buffer.from(this.state.key.x, 'base64url').toString('base64')
    return { id: 'id', did: this.did, status: 'active', agent_public_key, did_document: {} }
  }

  #wait(move: string): Json {
    this.#check(move)
    this.waiting = move
    const effective_at = new Date(this.now() + MOVE_DELAY_MS).toISOString()
    return { did: this.did, ...record(move, this.state.seq + 1), effective_at }
  }

  /** Returns the reason for a signature of a wrong key, as the server gives it. */
  #refusalOf(path: string, sent: string): string | undefined {
    const { kid, key, addedKeys } = this.state
    const keys = new Map<unknown, object>([[kid, key], ...addedKeys.map((each) => [each.kid, each.jwk] as const)])
    if (path.startsWith('/oauth/')) {
      const [header = ''] = (new URLSearchParams(sent).get('client_assertion') ?? '').split('.')
      return keys.has(JSON.parse(Buffer.from(header, 'base64url').toString()).kid) ? undefined : 'INVALID_ASSERTION'
    }
    if (path !== '/v1/token') return undefined
    const { challenge, nonce, signature, kid: named = kid } = JSON.parse(sent)
    const jwk = { ...keys.get(named) }
    const message = challengeMessage(challenge, nonce)
    const found = readProofKey('crv' in jwk && jwk.crv === 'P-256' ? 'ES256' : 'EdDSA', jwk)
    return found?.verify(message, Buffer.from(signature, 'base64')) === true ? undefined : 'INVALID_SIGNATURE'
  }
}

function record(event: string, seq: number) {
  const { type, iat } = claimsOf(event)
  return { seq, type, event, digest: digestOf(event), recorded_at: new Date(Number(iat) * 1000).toISOString() }
}

function digestOf(event: string): string {
  return createHash('sha256').update(event).digest('base64url')
}

function textOf(body: unknown): string {
  return body instanceof URLSearchParams || typeof body === 'string' ? body.toString() : ''
}

function claimsOf(jws: string): Json {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())
}

function dated(nowMs: number) {
  return { date: new Date(nowMs).toUTCString() }
}

function refused({ status, reason, message }: Refusal, nowMs: number): Response {
  return Response.json({ reason, detail: message }, { status, headers: dated(nowMs) })
}
