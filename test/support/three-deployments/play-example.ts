import { join } from 'node:path'
import { type Administrator, createAdministrator, exportPrivateJwk, type NewStatement } from '@auth4agent/sdk'
import { readKeyFile } from '@auth4agent/sdk/node'
import { until } from '../until.ts'
import { CAST } from './cast.ts'
import { enterParties, enterParty, type Parties, type Party } from './enter-parties.ts'
import { createPatience, type Patiently } from './patience.ts'
import type { ExampleDeployment, ExampleDeployments } from './start-servers.ts'

/**
 * Statements of another deployment are read every 30 seconds, by a job that runs every 10. A busy machine is slower.
 */

/**
 * Plays the worked example: operators prove their domains, root keys sign, administrators admit issuers. On a busy
 * machine it waits.
 */
export async function playExample(
  deployments: ExampleDeployments,
  folder: string,
  tell: (line: string) => void,
): Promise<void> {
  const { alpha, beta, gamma } = deployments
  const patiently = createPatience({ logFiles: [alpha, beta, gamma].map(({ logFile }) => logFile), tell })
  const parties = await enterParties(deployments, folder, patiently)
  const state = (by: Party, about: Party, said: Omit<NewStatement, 'subject'>) =>
    patiently(`${by.domain} signs a statement about ${about.domain}`, () => signStatement(by, about, said))
  const admit = (at: ExampleDeployment, other: ExampleDeployment) => admitIssuer(at, other, folder, patiently)
  const { acme, bolt, cargo, dock, guild, hall } = parties
  const [atB, atC] = [[beta.issuer], [gamma.issuer]]
  await patiently(`${acme.domain} lets its agents go to ${beta.name}`, () => goTo(acme, beta))
  // Before B admits A and C, so that its first reading finds them.
  await state(acme, bolt, { kind: 'lets-call', aud: atB, ...grants('acme'), visibility: 'public' })
  await state(guild, acme, { kind: 'member', aud: [...atB, ...atC], visibility: 'public' })
  await admit(beta, alpha)
  await admit(beta, gamma)
  await admit(gamma, alpha)
  const acceptsGuild = { kind: 'accepts-members-of', depth: 1, visibility: 'public' } as const
  await state(cargo, guild, { ...acceptsGuild, aud: atB, ...grants('cargo') })
  await state(hall, guild, { ...acceptsGuild, aud: atC, ...grants('hall') })
  await state(dock, acme, { kind: 'lets-call', aud: atB, ...grants('dock'), visibility: 'public' })
  await untilInForce(parties, patiently)
}

/** The API of an owner. */
function audienceOf(domain: string): string {
  return `https://api.${domain}/v1`
}

/** What every owner writes: `orders:read` at the caller's deployment stands for `read` here. */
function grants(name: 'acme' | 'cargo' | 'dock' | 'hall'): Pick<NewStatement, 'grants'> {
  const domains = { ...CAST.alpha.operators, ...CAST.beta.operators, ...CAST.gamma.operators }
  return { grants: [{ audience: audienceOf(domains[name]), scopes: { 'orders:read': ['read'] } }] }
}

async function signStatement({ operator }: Party, about: Party, said: Omit<NewStatement, 'subject'>): Promise<void> {
  const subject = { operatorId: about.operator.id, domain: about.domain, home: about.home.issuer }
  const draft = await operator.trust.draft({ ...said, subject })
  await operator.trust.put(await operator.trust.sign(draft))
}

/** Lets the agents of an operator get tokens at another deployment. */
async function goTo({ operator, home }: Party, { issuer }: ExampleDeployment): Promise<void> {
  const grants = [{ audience: '', scopes: { 'orders:read': ['orders:read'] } }]
  const said = { kind: 'chains-to', aud: [home.issuer], grants, visibility: 'public' } as const
  const draft = await operator.trust.draft({ ...said, subject: { home: issuer } })
  await operator.trust.put(await operator.trust.sign(draft))
}

/** Admits an issuer, whose log and statements are read as an operator that owns the host of the own issuer. */
async function admitIssuer(
  at: ExampleDeployment,
  other: ExampleDeployment,
  folder: string,
  patiently: Patiently,
): Promise<void> {
  const { hostname: domain } = new URL(at.issuer)
  const watcher = await enterParty(other, { domain, folder: join(folder, at.name, `at-${other.name}`), patiently })
  const { kty, crv, x, d } = exportPrivateJwk(watcher.key)
  const { issuers } = await administratorOf(at)
  const find = async () => (await issuers.list()).find(({ issuer }) => issuer === other.issuer)
  const terms = {
    issuer: other.issuer,
    kind: 'auth4agent',
    revocation_mode: 'log',
    acts_as: watcher.operator.id,
    secret: JSON.stringify({ kty, crv, x, d }),
  } as const
  // An earlier attempt may have added it without an answer.
  await patiently(`${at.name} admits ${other.name}`, async () => (await find()) ?? issuers.add(terms))
  await patiently(`${at.name} reads the keys and the log of ${other.name}`, () =>
    until(find, (issuer) => issuer !== undefined && issuer.keys.length > 0 && Boolean(issuer.revocations_as_of)),
  )
}

async function administratorOf({ url, issuer, adminKeyFile }: ExampleDeployment): Promise<Administrator> {
  return createAdministrator({ server: url, issuer, key: await readKeyFile(adminKeyFile) })
}

/** Waits until the statements count everywhere, and the records of all domains are found. */
async function untilInForce({ acme, bolt, cargo, dock, hall }: Parties, patiently: Patiently): Promise<void> {
  const wait = (owner: Party, caller: Party, isMet: (legs: Readonly<Record<string, boolean>>) => boolean) =>
    patiently(`the statements about calls of ${caller.domain} to ${owner.domain} count`, () =>
      until(() => needsMet(owner, caller), isMet),
    )
  for (const owner of [cargo, dock, hall]) await wait(owner, acme, (legs) => Object.values(legs).every(Boolean))
  await wait(cargo, bolt, ({ identity = false }) => identity)
}

/** Asks which needs of a call are met: identity, permission, freshness. */
async function needsMet({ operator, domain }: Party, from: Party): Promise<Readonly<Record<string, boolean>>> {
  const { legs } = await operator.explainTrust({ from: from.domain, to: audienceOf(domain), scope: 'orders:read' })
  return Object.fromEntries(legs.map(({ leg, ok }) => [leg, ok]))
}
