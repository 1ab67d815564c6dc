import { type Agent, createAgent, type GrantCapabilities } from '@auth4agent/sdk'
import type { PlayedAgent, Scene } from '../parties.ts'
import { unexpected } from '../until-refused.ts'
import type { Cast } from './cast.ts'
import { pay, send } from './send.ts'

/** The largest amount that each agent may pay. */
export const LIMITS = { orchestrator: 500, planner: 100, worker: 50 } as const

/** The agents with their grants. */
export interface Holders {
  readonly orchestrator: Agent
  readonly planner: Agent
  readonly worker: Agent
  /** The chain of the worker. */
  readonly chain: string
  /** The chain of the planner. */
  readonly plannerChain: string
}

/** What a grant allows: payments up to an amount. */
export function upTo(audience: string, max: number): GrantCapabilities {
  return { [`${audience}#pay`]: { amount: { constraint_type: 'range', min: 1, max } } }
}

/** The orchestrator gets a grant, and hands on less; the planner hands on less again. */
export async function handOn(scene: Scene, cast: Cast, ending: AsyncDisposableStack): Promise<Holders> {
  const { audience, orchestrator: first, planner: second, worker: third } = cast
  const holding = (played: PlayedAgent, grant: string) => {
    const agent = openHolder(scene, played, grant)
    ending.defer(() => agent.close())
    return agent
  }
  const { grant, grantId } = await first.agent.requestGrant({
    capabilities: { ...upTo(audience, LIMITS.orchestrator), [`${audience}#refund`]: {} },
    expires: '30m',
    depth: 2,
  })
  const orchestrator = holding(first, grant)
  scene.tell({
    step: 'root-granted',
    act: 'Each hands on less',
    title: 'The orchestrator gets a grant from the server',
    lines: [`pay: an amount of 1 to ${LIMITS.orchestrator}; refund: any. For 30 minutes, and to be handed on twice.`],
    facts: { grant_id: grantId, max: LIMITS.orchestrator },
  })
  const hand = { capabilities: upTo(audience, LIMITS.planner), expires: '10m', depth: 1 }
  const plannerChain = await orchestrator.delegate({ to: second.did, ...hand })
  const planner = holding(second, plannerChain)
  scene.tell({
    step: 'planner-granted',
    title: 'The orchestrator hands on less to the planner',
    lines: [
      `pay: 1 to ${LIMITS.planner}; no refund. For 10 minutes, and to be handed on once.`,
      'It signs this itself. The server only said which key the planner has.',
    ],
    facts: { to: second.did, max: LIMITS.planner },
  })
  const chain = await planner.delegate({ to: third.did, capabilities: upTo(audience, LIMITS.worker), expires: '5m' })
  const worker = holding(third, chain)
  scene.tell({
    step: 'worker-granted',
    title: 'The planner hands on less to the worker',
    lines: [
      `pay: 1 to ${LIMITS.worker}. For 5 minutes. The chain now has three grants, ${chain.length} characters:`,
      'hop 0 of the orchestrator, hop 1 of the planner, hop 2 of the worker.',
    ],
    facts: { to: third.did, max: LIMITS.worker, characters: chain.length },
  })
  return { orchestrator, planner, worker, chain, plannerChain }
}

function openHolder({ server, issuer, fetch }: Scene, { did, key }: PlayedAgent, grant: string): Agent {
  return createAgent({ server, issuer, did, key, grant, fetch, delegation: 'chain' })
}

/** The worker pays within its limit. */
export async function payWithin({ tell }: Scene, { api, orchestrator, worker: actor }: Cast, { worker }: Holders) {
  const { status, body } = await send(worker, api, pay(40))
  const told: unknown = status === 200 ? JSON.parse(body) : undefined
  const { principal, actor: named } = Object(told)
  if (principal !== orchestrator.did || named !== actor.did) throw unexpected('the API', status, body)
  tell({
    step: 'payment-accepted',
    title: 'The worker pays 40 with its chain and a proof of its key',
    lines: [
      'POST /payments {"amount":40}: 200. The API saw',
      `principal  ${orchestrator.did}, the orchestrator, whose authority it is`,
      `actor      ${actor.did}, the worker, which called`,
    ],
    facts: { call: 'POST /payments', amount: 40, status, principal, actor: named },
  })
}
