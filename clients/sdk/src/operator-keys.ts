import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { OperationalKey, RootJwk, RootKey } from '@auth4agent/core/identity/operator-manifest'
import type { OperatorRole } from '@auth4agent/core/identity/operator-roles'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { signerJwk, signerKid } from '@auth4agent/core/jose/signer-jwk'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer } from './answers.ts'
import type { Caller } from './caller.ts'
import { type Auth4AgentError, clientError } from './errors.ts'
import { platformEd25519 } from './keys/platform.ts'
import * as answers from './operator-answers.ts'
import type { OperatorRequest, OperatorRequests } from './operator-request.ts'
import type { Signer } from './signer.ts'

/**
 * What a client knows about the manifest from before. A client that signs manifests stores it, because a dishonest
 * server could show a manifest of its own or an older one.
 */
export interface KnownManifest {
  readonly seq: number
  readonly rootKeys: readonly RootJwk[]
  /**
   * SHA-256 of the manifest in base64url. With it the client trusts this manifest again after its signer has been
   * removed from the root keys, and refuses another manifest with the same number.
   */
  readonly digest?: string | undefined
}

/** All keys of an operator. */
export interface OperatorKeySet {
  /** The number of the manifest; 0 before the first one. */
  readonly seq: number
  /** The number of root keys that must approve a root operation. */
  readonly threshold: number
  readonly rootKeys: readonly RootKey[]
  /** The operational keys. `nbf` and `exp` are in Unix seconds. */
  readonly keys: readonly OperationalKey[]
  /** The manifest as its signer wrote it; empty before the first one. */
  readonly manifest: string
  /** The root key that signed the manifest: its RFC 7638 thumbprint. Empty before the first manifest. */
  readonly signedBy: string
  /**
   * Whether that root key is this client's own or one of `knownManifest`, or the manifest is the known one itself.
   * `set` refuses a set that is not trusted.
   */
  readonly isTrusted: boolean
}

/** The keys that an operator is to have. `{ ...await operator.keys.get(), keys: […] }` changes only the keys. */
export interface NewOperatorKeys {
  /** The number of the manifest that this one replaces. The server refuses any other than the one in force. */
  readonly seq: number
  readonly threshold: number
  readonly rootKeys: readonly (Omit<RootKey, 'kid'> & Partial<RootKey>)[]
  /** At most 32. `nbf` and `exp` are in Unix seconds. */
  readonly keys: readonly (Omit<OperationalKey, 'kid'> & Partial<OperationalKey>)[]
  /** As `get` returns it. */
  readonly isTrusted?: boolean | undefined
  /** Ignored. */
  readonly manifest?: string | undefined
  /** Ignored. */
  readonly signedBy?: string | undefined
}

const NEW_NAMES: Names<NewOperatorKeys> = {
  seq: true,
  threshold: true,
  rootKeys: true,
  keys: true,
  isTrusted: true,
  manifest: true,
  signedBy: true,
}

/**
 * The calls for the keys of an operator.
 *
 * @example
 *
 * ```ts
 * const current = await operator.keys.get()
 * const bob = { jwk, label: 'bob', roles: ['agents.manage', 'audit.read'], nbf, exp } as const
 * await operator.keys.set({ ...current, keys: [...current.keys, bob] })
 * ```
 */
export interface OperatorKeys {
  /** Resolves with the keys. Rejects with UNEXPECTED_ANSWER for a manifest that cannot be genuine. */
  get(): Promise<OperatorKeySet>
  /**
   * Signs a manifest with the root key, and sends it. Pass approvals of further root keys if the threshold demands
   * them. Rejects with TypeError if there is no root key or the keys are not valid, and with UNTRUSTED_MANIFEST for a
   * set that `get` did not trust.
   */
  set(keys: NewOperatorKeys): Promise<answers.SetOperatorKeys>
  /**
   * Signs an invitation with the root key. A person who has it can ask once, within an hour, for a passkey with these
   * terms. Rejects with TypeError if there is no root key or the terms are not valid.
   */
  invite(terms: InvitedKey): Promise<Invitation>
  /** Resolves with the requests for passkeys that wait. Read each with `readKeyRequest`. */
  listRequests(): Promise<readonly answers.WaitingKeyRequest[]>
  /** Removes a request that waits, by its thumbprint. */
  dropRequest(kid: string): Promise<void>
  /** Does the same as `set`, but only returns the request, so that other root keys can approve it. */
  prepare(keys: NewOperatorKeys): Promise<OperatorRequest>
}

/** The terms of a key to which a person is invited. */
export interface InvitedKey {
  readonly label: string
  readonly roles: readonly OperatorRole[]
  readonly person?: string | undefined
}

/** A signed invitation. */
export interface Invitation {
  /** The JWS. It is a secret until it is used. */
  readonly invitation: string
  /** Its single-use id, which is the `nonce` of the request that answers it. */
  readonly jti: string
  /** The page that makes the passkey, with the invitation in the fragment, which browsers do not send. */
  readonly link: string
}

const INVITED_NAMES: Names<InvitedKey> = { label: true, roles: true, person: true }

/** What {@link operatorKeys} needs. */
interface KeysOptions {
  readonly id: string
  /** Signs with the usual key. */
  readonly caller: Caller
  /** Signs with the root key. */
  readonly requests: OperatorRequests
  readonly rootKey: Signer | undefined
  readonly known: KnownManifest | undefined
  readonly now: () => number
}

/** Makes the calls for the keys of one operator. */
export function operatorKeys({ id, caller, requests, rootKey, known, now }: KeysOptions): OperatorKeys {
  const path = `/v1/operators/${id}/keys`
  const prepare: OperatorKeys['prepare'] = async (wanted) => {
    refuseUnknownNames('member of the keys', wanted, NEW_NAMES)
    if (rootKey === undefined) throw new TypeError('Only a root key can sign a manifest: pass it as rootKey')
    if (wanted.isTrusted === false) throw untrusted(wanted.signedBy ?? '')
    const { signOperatorManifest } = await import('./sign-operator-manifest.ts')
    const { seq, threshold, rootKeys, keys } = wanted
    const content = { seq: seq + 1, threshold, rootKeys, keys, operatorId: id, issuer: caller.issuer }
    return requests.make('PUT', path, {
      manifest: await signOperatorManifest(rootKey, { ...content, nowS: now() / 1000 }),
    })
  }
  const waiting = `/v1/operators/${id}/key-requests`
  return {
    prepare,
    async invite(terms) {
      refuseUnknownNames('term of the invitation', terms, INVITED_NAMES)
      if (rootKey === undefined) throw new TypeError('Only a root key can sign an invitation: pass it as rootKey')
      const { signKeyInvitation } = await import('./sign-key-invitation.ts')
      return signKeyInvitation(rootKey, { ...terms, operatorId: id, issuer: caller.issuer, nowS: now() / 1000 })
    },
    async listRequests() {
      const { requests } = readAnswer(answers.keyRequests, await caller.call(id, { method: 'GET', path: waiting }))
      return answers.readKeyRequests(requests)
    },
    async dropRequest(kid) {
      await caller.call(id, { method: 'DELETE', path: `${waiting}/${encodeURIComponent(kid)}` })
    },
    set: async (wanted) => readAnswer(answers.setOperatorKeys, await requests.send(await prepare(wanted), [])),
    async get() {
      const told = readAnswer(answers.operatorKeys, await caller.call(id, { method: 'GET', path }))
      const { seq } = told
      if (seq < (known?.seq ?? 0)) throw unexpected(`has the number ${seq}, and an earlier one had ${known?.seq}`)
      return seq === 0
        ? withoutManifest(told, rootKey)
        : readManifest(told, { id, issuer: caller.issuer, rootKey, known })
    },
  }
}

function withoutManifest(told: answers.OperatorKeysAnswer, rootKey: Signer | undefined): OperatorKeySet {
  const [own, first] = [rootKey && signerJwk(rootKey), answers.readKeys(told.root_keys)[0]]
  if (own?.kty !== 'OKP' || first?.kid !== jwkThumbprint(own)) {
    throw clientError('WRONG_KEY', 'The operator has no manifest, and its root key is not the one of this client')
  }
  const root = { kid: first.kid, jwk: own, label: first.label || 'root' }
  return { seq: 0, threshold: 1, rootKeys: [root], keys: [], manifest: '', signedBy: '', isTrusted: true }
}

interface Expected {
  readonly id: string
  readonly issuer: string
  readonly rootKey: Signer | undefined
  readonly known: KnownManifest | undefined
}

async function readManifest(
  { seq, manifest: text }: answers.OperatorKeysAnswer,
  { id, issuer, rootKey, known }: Expected,
): Promise<OperatorKeySet> {
  const { manifestDemand, parseOperatorManifest } = await import('@auth4agent/core/identity/parse-operator-manifest')
  const rules = { operatorId: id, issuer }
  const parsed = parseOperatorManifest(text, rules)
  if (!parsed.ok) throw unexpected(`is not valid: ${manifestDemand(parsed, rules)}`)
  const { manifest, jws } = parsed
  const { threshold, rootKeys, keys } = manifest
  if (manifest.seq !== seq) throw unexpected(`has the number ${manifest.seq}, but the answer says ${seq}`)
  const isKnown = known?.digest === sha256Text(text, 'base64url')
  if (known?.seq === seq && known.digest && !isKnown)
    throw unexpected(`is not the one that had the number ${seq} before`)
  const { kid } = jws.header
  const trusted = (known?.rootKeys ?? []).find((jwk) => jwkThumbprint(jwk) === kid)
  const jwk = trusted ?? rootKeys.find((key) => key.kid === kid)?.jwk
  const isOwn = rootKey !== undefined && signerKid(rootKey) === kid
  const publicKey = isOwn ? rootKey.publicKey : jwk && decodeBase64url(jwk.x)
  // A root key that has signed its own removal is in no list. Its signature cannot be verified.
  const isSigned = publicKey && (await (await platformEd25519()).verify(publicKey, jws.signingInput, jws.signature))
  if (isSigned === false) throw unexpected('is not signed by the root key that it names')
  const isTrusted = isKnown || (isSigned === true && (isOwn || trusted !== undefined))
  return { seq, threshold, rootKeys, keys, manifest: text, signedBy: kid, isTrusted }
}

function unexpected(what: string): Auth4AgentError {
  return clientError('UNEXPECTED_ANSWER', `The manifest of the operator's keys ${what}`)
}

function untrusted(kid: string): Auth4AgentError {
  return clientError(
    'UNTRUSTED_MANIFEST',
    `The manifest of the operator's keys is signed by ${kid}, which is no root key that this client knows`,
  )
}
