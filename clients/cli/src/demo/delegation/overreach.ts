import { DETAIL_TYPE, formatCapabilities, parseCapabilities } from '@auth4agent/core/delegation/parse-capabilities'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { newJti, signJwt } from '@auth4agent/core/identity/sign-jwt'
import { Auth4AgentError, generateKey } from '@auth4agent/sdk'
import type { Scene } from '../parties.ts'
import { unexpected } from '../until-refused.ts'
import type { Cast } from './cast.ts'
import { type Holders, LIMITS, upTo } from './hand-on.ts'
import { type PaidCall, pay, refusalOf, send, sendWith } from './send.ts'

/** The worker tries more than its grant allows. */
export async function tryMore(scene: Scene, cast: Cast, { worker }: Holders): Promise<void> {
  const tries = [
    {
      step: 'amount-refused',
      act: 'More is refused',
      title: 'The worker tries to pay 60',
      call: pay(60),
      reason: 'ARGUMENT_REFUSED',
    },
    {
      step: 'scope-refused',
      title: 'The worker tries a refund, which nobody handed on to it',
      call: { path: '/refunds', amount: 10 },
      reason: 'CAPABILITY_MISSING',
    },
  ] as const
  for (const { step, title, call, reason, ...act } of tries) {
    const { status, told } = refusalOf(await send(worker, cast.api, call), reason)
    scene.tell({
      step,
      ...act,
      title,
      lines: [`${shown(call)}: ${told[0]}`, told[1]],
      facts: { call: `POST ${call.path}`, status, reason },
    })
  }
}

function shown({ path, amount }: PaidCall): string {
  return `POST ${path} ${JSON.stringify({ amount })}`
}

/** The planner tries to hand on more than it has: with the SDK, and with a grant that it signs by hand. */
export async function handOnMore(scene: Scene, cast: Cast, holders: Holders): Promise<void> {
  const { api, audience, worker, planner } = cast
  const wider = { to: worker.did, capabilities: upTo(audience, LIMITS.orchestrator), expires: '5m' }
  const refused: unknown = await holders.planner.delegate(wider).catch((error: unknown) => error)
  if (!(refused instanceof Auth4AgentError)) throw unexpected('the SDK', 0, String(refused))
  const forged = await forgeWider(holders.chain, planner.key, audience)
  const headers = await proveBy(worker.key, forged, api.url)
  const { status, told } = refusalOf(await sendWith(headers, api, pay(200)), 'CONSTRAINT_WIDENED')
  scene.tell({
    step: 'wider-grant-refused',
    title: `The planner, which has 100, tries to hand on ${LIMITS.orchestrator}`,
    lines: [
      `The SDK refuses: ${refused.reason}`,
      `The planner signs it by hand, and the worker sends it: ${told[0]}`,
      told[1],
    ],
    facts: { sdk_reason: refused.reason, status, reason: 'CONSTRAINT_WIDENED' },
  })
}

/** Signs the last grant of a chain again, with a larger amount. `signer` is the key that signed it. */
async function forgeWider(chain: string, signer: Parameters<typeof signJwt>[0], audience: string): Promise<string> {
  const grants = chain.split('~')
  const [header, claims] = (grants.at(-1) ?? '').split('.').map((part, index): object => {
    return index < 2 ? JSON.parse(Buffer.from(part, 'base64url').toString()) : {}
  })
  const tools = parseCapabilities([{ type: DETAIL_TYPE, tools: upTo(audience, LIMITS.orchestrator) }])
  if (!tools.ok) throw new RangeError(tools.rule)
  const wider = { ...claims, jti: newJti(), authorization_details: formatCapabilities(tools.value) }
  return [...grants.slice(0, -1), await signJwt(signer, header ?? {}, wider)].join('~')
}

/** A thief has the chain of the worker, but only a key of its own. */
export async function steal(scene: Scene, { api }: Cast, { chain }: Holders): Promise<void> {
  const headers = await proveBy(await generateKey(), chain, api.url)
  const { status, told } = refusalOf(await sendWith(headers, api, pay(40)), 'PROOF_INVALID')
  scene.tell({
    step: 'theft-refused',
    title: 'A thief copies the chain of the worker, but has only a key of its own',
    lines: [
      `POST /payments {"amount":40}: ${told[0]}`,
      told[1],
      'The token is the chain here. Its last grant names the key of the worker.',
    ],
    facts: { status, reason: 'PROOF_INVALID' },
  })
}

/** Makes the headers of a payment with a chain, and a proof by a key. */
async function proveBy(key: Parameters<typeof signDpopProof>[0], accessToken: string, url: string) {
  const proof = { method: 'POST', url: `${url}/payments`, accessToken, nowS: Date.now() / 1_000 }
  return { authorization: `DPoP ${accessToken}`, dpop: await signDpopProof(key, proof) }
}
