import { parseTrustDraft } from '@auth4agent/core/trust/read-draft'
import { unexpected } from '../until-refused.ts'
import type { FederatedOperator } from './cast.ts'
import { expectVerdict, explain, type FederationScene, newToken, SCOPE, verdict } from './scene.ts'
import { missingLines } from './words.ts'

/** bolt may call neither cargo nor, through acme, dock. Each no says what is missing. */
export async function refuseBolt(scene: FederationScene): Promise<string> {
  const { cargo, dock } = scene.cast
  await refuse(scene, cargo, {
    step: 'stranger-refused',
    act: 'A no, and what is missing',
    title: 'The agent of bolt tries the same',
    why: [],
  })
  return refuse(scene, dock, {
    step: 'chain-refused',
    title: 'bolt tries dock: dock lets acme call, and acme lets bolt call',
    why: ['lets-call never chains: an operator that may call cannot pass that on.'],
  })
}

interface Refused {
  readonly step: string
  readonly act?: string
  readonly title: string
  readonly why: readonly string[]
}

/** Returns the token that is refused. */
async function refuse(scene: FederationScene, owner: FederatedOperator, { why, ...told }: Refused): Promise<string> {
  const { cast, tell } = scene
  const token = await newToken(scene, 'bolt', owner)
  const reason = expectVerdict(await verdict(token, owner, cast.a), 'TRUST_NOT_FOUND')
  const explained = await explain(owner, cast.bolt)
  const { missing, cures = [] } = explained.legs.find(({ ok }) => !ok) ?? {}
  tell({
    ...told,
    lines: [`B says: ${reason}`, ...why, ...missingLines(cast, explained)],
    facts: { reason, missing, cures: cures.map(({ who, command }) => ({ who, command })) },
  })
  return token
}

/** acme asks for a scope that the statement of cargo does not list. */
export async function refuseMore(scene: FederationScene): Promise<void> {
  const { cast, tell } = scene
  const { a, acme, cargo } = cast
  const scope = 'orders:write'
  const token = await newToken(scene, 'acme', cargo, scope)
  const reason = expectVerdict(await verdict(token, cargo, a), 'TRUST_NOT_FOUND')
  const { allowed, legs } = await explain(cargo, acme, scope)
  tell({
    step: 'scope-refused',
    title: `acme has ${scope} at A, and tries it at cargo`,
    lines: [`B says: ${reason}`, `cargo has signed for one scope: ${SCOPE.asked}. The owner lists every scope.`],
    facts: { reason, allowed, missing: legs.find(({ ok }) => !ok)?.missing },
  })
}

/** dock signs the very draft that the explanation proposes, and takes it back. */
export async function signCure({ cast, tell }: FederationScene, token: string): Promise<void> {
  const { a, bolt, dock } = cast
  const [cure] = (await explain(dock, bolt)).legs.flatMap(({ cures }) => cures)
  const draft = parseTrustDraft(cure?.draft)
  if (!draft.ok) throw unexpected('B', 200, draft.text)
  const { jti } = await dock.operator.trust.put(await dock.operator.trust.sign(draft.draft))
  const signed = expectVerdict(await verdict(token, dock, a, SCOPE.asked), 'valid')
  await dock.operator.trust.revoke(jti, 'demo')
  const revoked = expectVerdict(await verdict(token, dock, a, SCOPE.asked), 'TRUST_NOT_FOUND', 'TRUST_ENDED')
  tell({
    step: 'cure-signed',
    title: 'dock types this command, and later takes it back',
    lines: [
      `Signed: B says ${signed}, about the token that it has just refused.`,
      `Revoked: when the call returns, B says ${revoked}.`,
    ],
    facts: { jti, signed, revoked },
  })
}
