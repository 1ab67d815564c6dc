import { expect } from 'vitest'
import { admit } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state } from '../../support/federation/statements.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { Json, ProtocolClient } from '../../support/protocol-client.ts'
import { QUICK_KEYS } from '../../support/signing-keys.ts'
import { runSql } from '../../support/sql.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'

const DOMAINS = {
  acme: 'acme.example.com',
  bolt: 'bolt.example.com',
  cargo: 'cargo.example.com',
  dock: 'dock.example.com',
  yard: 'yard.example.com',
  guild: 'guild.example.com',
} as const

type Name = keyof typeof DOMAINS

/** An audience of an operator of B. */
export function audienceOf(name: Name): string {
  return `https://api.${DOMAINS[name]}/v1`
}

/** The scope map with which every owner lets others call: `read` there stands for `orders:read` here. */
export function grantsOf(name: Name) {
  return [{ audience: audienceOf(name), scopes: { read: ['orders:read'] } }]
}

/** Three deployments, their operators, and an agent of each operator of A. */
export interface World extends Readonly<Record<Name, Member>> {
  readonly federation: Federation
  readonly alpha: FederatedDeployment
  readonly beta: FederatedDeployment
  readonly gamma: FederatedDeployment
  readonly agents: { readonly acme: AgentParty; readonly bolt: AgentParty }
  /** Clients of the instances of B, each of which reaches only one process that verifies. */
  readonly witnesses: readonly ProtocolClient[]
}

/** Registers an operator under its domain. */
function at(home: FederatedDeployment, name: Name): Promise<Member> {
  return member(home, DOMAINS[name])
}

/** Starts A (alpha) and C (gamma) with one instance each, and B (beta) with two. */
export async function startWorld(): Promise<World> {
  const federation = await createFederation()
  // One after the other: with split services these are almost twenty processes.
  const alpha = await federation.start('auth.alpha.example.net', { env: QUICK_KEYS })
  const beta = await federation.start('auth.beta.example.net', { instances: 2 })
  const gamma = await federation.start('id.gamma.example.org')
  const acme = await at(alpha, 'acme')
  const bolt = await at(alpha, 'bolt')
  return {
    federation,
    alpha,
    beta,
    gamma,
    acme,
    bolt,
    cargo: await at(beta, 'cargo'),
    dock: await at(beta, 'dock'),
    yard: await at(beta, 'yard'),
    guild: await at(gamma, 'guild'),
    agents: { acme: await activeAgent(alpha.client, acme), bolt: await activeAgent(alpha.client, bolt) },
    witnesses: (await beta.verifiers()).map(({ client }) => client),
  }
}

/** Registers B at another deployment, under the host of its issuer, and lets B admit that deployment. */
export async function admitBy({ beta }: World, other: FederatedDeployment) {
  return admit(beta, await member(other, new URL(beta.issuer).hostname))
}

/** Gets a new token at A for an audience of an operator of B. */
export async function newToken({ alpha, agents }: World, name: 'acme' | 'bolt', owner: Name): Promise<string> {
  return String((await issueToken(alpha.client, agents[name], { audience: audienceOf(owner) })).token)
}

/** What each instance of B answers about a token of A at an audience: `valid`, or the verdict. */
async function verdicts(world: World, token: string, owner: Name): Promise<readonly string[]> {
  return Promise.all(world.witnesses.map(async (client) => verdictOf(await ask(world, client, token, owner))))
}

/** Asks one instance of B about a token of A. */
export async function ask(world: World, client: ProtocolClient, token: string, owner: Name): Promise<Json> {
  const wanted = { audience: [audienceOf(owner)], scope: 'orders:read', issuers: [world.alpha.issuer] }
  return expectStatus(200, await client.post('/v1/verify', { token, ...wanted }))
}

function verdictOf({ valid, reason }: Json): string {
  return valid === true ? 'valid' : String(reason)
}

/** Expects that each instance of B answers this now. */
export async function expectNow(world: World, [token, owner]: readonly [string, Name], verdict: string): Promise<void> {
  expect(await verdicts(world, token, owner)).toEqual(world.witnesses.map(() => verdict))
}

/** Waits until each instance of B answers one of these. */
export async function settle(world: World, [token, owner]: readonly [string, Name], ...accepted: string[]) {
  return until(
    () => verdicts(world, token, owner),
    (all) => all.every((verdict) => accepted.includes(verdict)),
  )
}

/** Lets cargo accept the members of guild. Returns the statement's `jti`. */
export function acceptGuild({ beta, cargo, guild }: World): Promise<string> {
  return state(cargo, guild, { kind: 'accepts-members-of', depth: 1, aud: [beta.issuer], grants: grantsOf('cargo') })
}

/** Lets guild name acme as its member. Returns the statement's `jti`. */
export async function nameMember(world: World): Promise<string> {
  const { beta, guild, acme } = world
  const jti = await state(guild, acme, { kind: 'member', aud: [beta.issuer] })
  await makeDue(world)
  return jti
}

/** Makes everything due that B fetches from other deployments, instead of waiting for its hour. */
export async function makeDue({ beta }: World): Promise<void> {
  await runSql(
    beta.databaseUrl,
    `UPDATE issuers SET keys_due_at = now(), statements_due_at = now(); UPDATE issuer_domains SET next_proof_at = now()`,
  )
}
