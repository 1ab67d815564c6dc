import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import { signOperatorApproval } from '@auth4agent/core/identity/operator-approval'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { Caller } from './caller.ts'
import type { Signer } from './signer.ts'

/** One call with its exact bytes. Several root keys can approve it, and one of them sends it. */
export interface OperatorRequest {
  readonly operatorId: string
  readonly issuer: string
  /** The name of the call: `METHOD /path`, with the path as it is sent. */
  readonly rpc: string
  /** The body as JSON text. */
  readonly body: string
}

/** Options of {@link approveRequest}. */
export interface ApprovalOptions {
  /** A root key of the operator. */
  readonly key: Signer
  /** Seconds until the approval expires: one day by default, at most 7 days less half a minute. */
  readonly lifetimeS?: number | undefined
  /** The current time in Unix milliseconds; by default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const APPROVAL_NAMES: Names<ApprovalOptions> = { key: true, lifetimeS: true, now: true }

/**
 * Approves a request with a root key, so that another root key can send it with `operator.send`. The server accepts an
 * approval for this request only, and only once. Look at the body first: an approval is a signature.
 *
 * Rejects with TypeError for unknown options, and with RangeError for a lifetime that is too long.
 *
 * @example
 *
 * ```ts
 * import { approveRequest } from '@auth4agent/sdk'
 *
 * const approval = await approveRequest(request, { key: await readKeyFile('carol.key') })
 * await operator.send(request, [approval])
 * ```
 */
export async function approveRequest(request: OperatorRequest, options: ApprovalOptions): Promise<string> {
  refuseUnknownNames('option', options, APPROVAL_NAMES)
  const { key, lifetimeS, now = Date.now } = options
  const { operatorId, issuer, rpc, body } = request
  const content = { operatorId, issuer, rpc, bodyDigest: bodyDigest(body), nowS: now() / 1000, lifetimeS }
  return signOperatorApproval(key, content)
}

/** Makes and sends requests in the name of one operator. */
export interface OperatorRequests {
  /** Makes a request, and sends nothing. `body` is what the JSON contains. */
  make(method: string, path: string, body: object): OperatorRequest
  /** Sends a request. Rejects with TypeError for a request of another operator, issuer or server. */
  send(request: OperatorRequest, approvals: readonly string[]): Promise<unknown>
}

/** Makes the requests of an operator, which the caller signs. */
export function operatorRequests(caller: Caller, operatorId: string): OperatorRequests {
  const { issuer } = caller
  const prefix = caller.rpcOf({ method: '', path: '' }).trim()
  return {
    make: (method, path, body) => ({
      operatorId,
      issuer,
      rpc: caller.rpcOf({ method, path }),
      body: JSON.stringify(body),
    }),
    async send(request, approvals) {
      if (request.operatorId !== operatorId) throw new TypeError('The request is one of another operator')
      if (request.issuer !== issuer) throw new TypeError(`The request is for the issuer ${request.issuer}`)
      const [method = '', sent = ''] = request.rpc.split(' ')
      if (!sent.startsWith(`${prefix}/v1/`)) {
        throw new TypeError(`The request is for another address of the server: its path is ${sent}`)
      }
      const path = sent.slice(prefix.length)
      return caller.call(operatorId, { method, path, json: request.body, approvals })
    },
  }
}
