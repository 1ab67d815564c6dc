import { generateKeyPairSync } from 'node:crypto'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { jwkThumbprint, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import {
  ed25519Jwk,
  type KeyChange,
  type KeySigner,
  signInception,
  signKeyEvent,
} from '@auth4agent/core/key-events/sign-key-event'
import { signP256 } from '@auth4agent/core/keys/ecdsa-p256'
import { generateKeyPair, type KeyPair } from '@auth4agent/core/keys/ed25519'
import { create } from '@bufbuild/protobuf'
import { signObjection } from '../../clients/sdk/src/key-events/sign-objection.ts'
import {
  AppendKeyEventRequestSchema,
  ListKeyEventsRequestSchema,
  ObjectToRecoveryRequestSchema,
  RecoverAgentRequestSchema,
} from '../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { RegisterAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { Call } from '../../services/calls/call.ts'
import type { Identity } from '../../services/identity/index.ts'
import { anonymous, asOperator, type TestOperator } from './identity.ts'

/** A key of an agent that can sign events, and prove itself as a new key. */
export interface TestKey extends KeySigner {
  readonly kid: string
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly pair: KeyPair
}

/** Creates an Ed25519 key. */
export function newKey(): TestKey {
  const pair = generateKeyPair()
  const jwk = ed25519Jwk(pair.publicKey)
  const sign = async (message: Uint8Array) => pair.privateKey.sign(message)
  return { alg: 'EdDSA', jwk, sign, kid: jwkThumbprint(jwk), publicKey: Uint8Array.from(pair.publicKey), pair }
}

/** Creates a P-256 key, which can only be an added key. */
export function newP256Key(): KeySigner & { readonly kid: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const jwk = readPublicJwk({ kty, crv, x, y })
  if (jwk === undefined) throw new Error('node:crypto must export a public JWK')
  return { alg: 'ES256', jwk, kid: jwkThumbprint(jwk), sign: async (message) => signP256(privateKey, message) }
}

/** Returns the DID of a first key under a domain. */
export function didOf({ publicKey }: Pick<TestKey, 'publicKey'>, domain: string): string {
  return formatDid(domain, fingerprint(publicKey))
}

/**
 * Returns the calls about the log of one agent. The agent reads its log before it signs, so each event follows the
 * last one.
 */
export function agentLog(identity: Identity, did: string, now: () => number) {
  const { handlers } = identity.keys
  const nowS = () => Math.floor(now() / 1000)
  const list = (part: { pageSize?: number; pageToken?: string } = {}) =>
    handlers.listKeyEvents(create(ListKeyEventsRequestSchema, { did, ...part }), anonymous())
  const state = async (): Promise<KeyState> => {
    const texts: string[] = []
    let pageToken = ''
    do {
      const { events = [], nextPageToken = '' } = await list({ pageToken })
      texts.push(...events.map(({ event = '' }) => event))
      pageToken = nextPageToken
    } while (pageToken !== '')
    const replayed = replayKeyEvents(texts, did)
    if (!replayed.ok) throw new Error(`Event ${replayed.at} of the log is wrong: ${replayed.demand}`)
    return replayed.state
  }
  const send = (event: string, call: Call = anonymous()) =>
    handlers.appendKeyEvent(create(AppendKeyEventRequestSchema, { did, event }), call)
  const sign = async (signer: TestKey, change: KeyChange) => signKeyEvent(signer, await state(), change, nowS())
  return {
    did,
    list,
    state,
    send,
    sign,
    append: async (signer: TestKey, change: KeyChange) => send(await sign(signer, change)),
    recover: (operator: TestOperator, event: string, call = asOperator(operator)) =>
      handlers.recoverAgent(create(RecoverAgentRequestSchema, { operatorId: operator.id, agent: did, event }), call),
    object: async (signer: TestKey, event: string) => {
      const objection = await signObjection(signer, { did, event, nowS: nowS() })
      return handlers.objectToRecovery(create(ObjectToRecoveryRequestSchema, { did, objection }), anonymous())
    },
  }
}

/** Options of registerWithLog. */
interface RegistrationOptions {
  readonly key?: TestKey
  /** Thumbprint of the next key, to which the signed inception commits. */
  readonly next?: string | undefined
  /** Registers as an old client does, without an inception. */
  readonly isRecorded?: boolean
  readonly caller?: Call
}

/** Registers an agent, by default by its operator and with a signed inception. Returns its key and its log. */
export async function registerWithLog(
  identity: Identity,
  operator: TestOperator,
  now: () => number,
  { key = newKey(), next, isRecorded = false, caller = asOperator(operator) }: RegistrationOptions = {},
) {
  const did = didOf(key, operator.domain)
  const inception = isRecorded ? '' : await signInception(key, { did, nowS: Math.floor(now() / 1000), next })
  const request = { operatorId: operator.id, did, agentPublicKey: key.publicKey, inception }
  const { id = '' } = await identity.module.handlers.registerAgent(create(RegisterAgentRequestSchema, request), caller)
  return { id, key, ...agentLog(identity, did, now) }
}
