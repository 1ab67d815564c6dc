import { join } from 'node:path'
import {
  addWatchKey,
  enterAgent,
  enterOperator,
  type PlayedAgent,
  type PlayedOperator,
  proveDomain,
  type Scene,
} from '../parties.ts'
import type { ProtectedApi } from '../protected-api.ts'
import { PAID_CALLS, startPaidApi } from './paid-api.ts'

/** The parties of the story. */
export interface Cast {
  readonly shop: PlayedOperator
  readonly partner: PlayedOperator
  readonly partnerDomain: string
  readonly orchestrator: PlayedAgent
  readonly planner: PlayedAgent
  readonly worker: PlayedAgent
  readonly api: ProtectedApi
  /** The audience of the API. */
  readonly audience: string
}

const SCOPES = Object.values(PAID_CALLS)

/** Registers the operators and agents, and starts the API. `ending` gets what must be done at the end. */
export async function enterCast(scene: Scene, ending: AsyncDisposableStack, isKept: () => boolean): Promise<Cast> {
  const { domain, folder, tell } = scene
  const partnerDomain = `partner.${domain}`
  const [shopScene, partnerScene] = [
    quiet(scene),
    quiet({ ...scene, domain: partnerDomain, folder: join(folder, 'partner') }),
  ]
  const enter = async (own: Scene): Promise<PlayedOperator> => {
    const operator = await enterOperator(own)
    ending.defer(() => (isKept() ? undefined : operator.giveUp().catch((why: unknown) => own.stillOwned(why, own))))
    await proveDomain(own, operator)
    return operator
  }
  const [shop, partner] = [await enter(shopScene), await enter(partnerScene)]
  tell({
    step: 'operators-proven',
    act: 'The parties',
    title: 'Two operators prove their domains',
    lines: [
      `${domain} has an orchestrator and a paid API. ${partnerDomain} has two helpers.`,
      'Each has a root key of its own. Neither can act for the other.',
    ],
    facts: { domains: [domain, partnerDomain], operator_ids: [shop.operator.id, partner.operator.id] },
  })
  const [orchestrator, planner, worker] = [
    await enterAgent(shopScene, shop),
    await enterAgent({ ...partnerScene, folder: join(folder, 'planner') }, partner),
    await enterAgent({ ...partnerScene, folder: join(folder, 'worker') }, partner),
  ]
  for (const { agent } of [orchestrator, planner, worker]) ending.defer(() => agent.close())
  const audience = `https://pay.${domain}`
  await allow(scene, { shop, partnerDomain, orchestrator, planner, worker, audience })
  const api = await openApi(scene, shop, { audience, actors: [domain, partnerDomain] })
  ending.defer(() => api.close())
  return { shop, partner, partnerDomain, orchestrator, planner, worker, api, audience }
}

/** The same scene, which tells only what its user must do. */
function quiet(scene: Scene): Scene {
  return { ...scene, tell: (told) => (told.step === 'record-wanted' ? scene.tell(told) : undefined) }
}

async function allow(
  { tell }: Scene,
  { shop, partnerDomain, orchestrator, planner, worker, audience }: Omit<Cast, 'partner' | 'api'>,
): Promise<void> {
  await shop.operator.agents.setScopes(orchestrator.did, SCOPES)
  tell({
    step: 'agents-registered',
    title: 'Three agents are registered, each with a key of its own',
    lines: [
      `orchestrator  ${orchestrator.did}  scopes: ${SCOPES.join(' ')}`,
      `planner       ${planner.did}  no scopes`,
      `worker        ${worker.did}  no scopes`,
    ],
    facts: { orchestrator: orchestrator.did, planner: planner.did, worker: worker.did },
  })
  await shop.operator.policy.set({
    delegate_to: [partnerDomain],
    max_grant_ttl: 1_800,
    audiences: [{ audience, callers: [partnerDomain] }],
  })
  await shop.operator.agents.update(orchestrator.did, { maxDelegationDepth: 2 })
  tell({
    step: 'delegation-allowed',
    title: 'The operator of the orchestrator allows delegation, which is off by default',
    lines: [
      `Grants of the orchestrator may be handed on twice, to agents of ${partnerDomain}, for at most 30 minutes.`,
      'The partner asks for nothing: its agents get no rights of their own.',
    ],
    facts: { max_delegation_depth: 2, delegate_to: [partnerDomain], max_grant_ttl: 1_800 },
  })
}

async function openApi(
  { issuer, domain, fetch, tell }: Scene,
  operator: PlayedOperator,
  { audience, actors }: { readonly audience: string; readonly actors: readonly string[] },
) {
  const api = await startPaidApi({
    issuer,
    audience,
    operators: [domain],
    actors,
    revocations: await addWatchKey(operator),
    fetch: (url, init) => fetch(url, init),
  })
  tell({
    step: 'api-started',
    title: 'A paid API starts, which accepts chains of grants',
    lines: [
      `It listens at ${api.url}. POST /payments needs the scope pay, POST /refunds the scope refund.`,
      'It checks each chain itself, with the amount in the body, and receives revocations from the server.',
      'Its key has the role watch, which allows nothing else. The root key stays with the operator.',
    ],
    facts: { url: api.url, audience },
  })
  return api
}
