import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import type { KeyVault } from '../../keys/index.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { lockActiveOperator, lockOperator } from '../../ledger/lock-operator.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { NewProvider } from '../domain/read-new-provider.ts'
import { readRequiredClaims } from '../domain/required-claims.ts'

/** Dependencies of putProvider. */
export interface ProviderStore {
  readonly prisma: PrismaClient
  readonly vault: Pick<KeyVault, 'seal' | 'open'>
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** The largest number of providers of one operator, and of all. A job of each process reads all of them. */
const MAX_PROVIDERS = { operator: 4, deployment: 10_000 } as const
/** Key of the advisory lock under which providers are created, so that their number is exact. */
const CREATE_LOCK = 0x70726f76

/**
 * Puts an identity provider. One that changes in what decides about its users gets a new edge. A trigger writes the
 * earlier edge to the revocation log, so tokens of its users end. Changes nothing when the provider is there already.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, INVALID_ISSUER, ISSUER_EXISTS, INVALID_ARGUMENT,
 *   TOO_MANY_PROVIDERS
 */
export function putProvider(
  store: ProviderStore,
  author: Author,
  operatorId: string,
  wanted: NewProvider,
): Promise<IdentityProvider> {
  return change(store.prisma, author, async (tx, audit) => {
    await lockActiveOperator(tx, operatorId)
    const before = findBefore(await tx.identityProvider.findMany({ where: { operatorId } }), wanted)
    if (before !== undefined && isSame(store, before, wanted)) return before
    if (before === undefined) await checkRoom(tx)
    const reason = `${wanted.issuer}; ${describeUsers(wanted)}`
    await audit({ action: 'provider.put', subject: wanted.name, operatorId, reason })
    return before === undefined
      ? tx.identityProvider.create({ data: { operatorId, ...newRow(store, wanted) } })
      : tx.identityProvider.update({ where: { id: before.id }, data: changedRow(store, before, wanted) })
  })
}

/**
 * Tells whether putProvider would change anything, ahead of the work before it. putProvider decides again.
 *
 * @throws ApiError INVALID_ISSUER, ISSUER_EXISTS, INVALID_ARGUMENT, TOO_MANY_PROVIDERS
 */
export async function isStored(store: ProviderStore, operatorId: string, wanted: NewProvider): Promise<boolean> {
  const before = findBefore(await listProviders(store.prisma, operatorId), wanted)
  return before !== undefined && isSame(store, before, wanted)
}

/**
 * Removes an identity provider. A trigger writes its edge to the revocation log.
 *
 * @throws ApiError OPERATOR_NOT_FOUND, PROVIDER_NOT_FOUND
 */
export function removeProvider(
  prisma: PrismaClient,
  author: Author,
  operatorId: string,
  name: string,
): Promise<IdentityProvider> {
  return change(prisma, author, async (tx, audit) => {
    await lockOperator(tx, operatorId)
    const row = await findProvider(tx, operatorId, name)
    await tx.identityProvider.delete({ where: { id: row.id } })
    await audit({ action: 'provider.remove', subject: name, operatorId, reason: row.issuer })
    return row
  })
}

/** Lists the identity providers of an operator by name. */
export function listProviders(prisma: PrismaClient, operatorId: string): Promise<IdentityProvider[]> {
  return prisma.identityProvider.findMany({ where: { operatorId }, orderBy: { name: 'asc' } })
}

/** Opens the client secret of a provider. */
export function openSecret(
  vault: Pick<KeyVault, 'open'>,
  { id, wrappedSecret, kekId }: Pick<IdentityProvider, 'id' | 'wrappedSecret' | 'kekId'>,
): string {
  return vault.open(wrappedSecret, kekId, recordOf(id)).toString()
}

async function findProvider(tx: Tx, operatorId: string, name: string): Promise<IdentityProvider> {
  const row = await tx.identityProvider.findUnique({ where: { operatorId_name: { operatorId, name } } })
  if (row === null) throw new ApiError('PROVIDER_NOT_FOUND')
  return row
}

/** Returns the provider that is replaced; undefined if it is a new one, for which there is room. */
function findBefore(all: readonly IdentityProvider[], wanted: NewProvider): IdentityProvider | undefined {
  const before = all.find(({ name }) => name === wanted.name)
  if (before === undefined) checkNew(all, wanted)
  else if (before.issuer !== wanted.issuer) {
    throw new ApiError('INVALID_ISSUER', `issuer must stay ${before.issuer}: remove the provider to change it`)
  }
  return before
}

function checkNew(others: readonly IdentityProvider[], { issuer, secret }: NewProvider): void {
  if (secret === undefined) throw new ApiError('INVALID_ARGUMENT', 'client_secret must be given for a new provider')
  // The same person at two providers would be one user with two ways in, of which one could be closed.
  const other = others.find((each) => each.issuer === issuer)
  if (other !== undefined) throw new ApiError('ISSUER_EXISTS', `The provider ${other.name} has this issuer already`)
  if (others.length < MAX_PROVIDERS.operator) return
  throw new ApiError('TOO_MANY_PROVIDERS', `An operator must have at most ${MAX_PROVIDERS.operator} identity providers`)
}

async function checkRoom(tx: Tx): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${CREATE_LOCK}::bigint)`
  if ((await tx.identityProvider.count()) < MAX_PROVIDERS.deployment) return
  throw new ApiError('TOO_MANY_PROVIDERS', `This server has at most ${MAX_PROVIDERS.deployment} identity providers`)
}

/** What decides who the users of a provider are. Tokens rest on it. */
function ruleOf(provider: Omit<NewProvider, 'name' | 'issuer' | 'secret' | 'authMethod'>) {
  const { clientId, scopes, subjectClaim, requiredClaims, groupsClaim, signals, onLogout } = provider
  const claims = requiredClaims.map(({ name, value }) => ({ name, value }))
  return { clientId, scopes: [...scopes], subjectClaim, requiredClaims: claims, groupsClaim, signals, onLogout }
}

function hasSameRule(before: IdentityProvider, wanted: NewProvider): boolean {
  const requiredClaims = readRequiredClaims(before.requiredClaims)
  return isDeepStrictEqual(ruleOf({ ...before, requiredClaims }), ruleOf(wanted))
}

function isSame({ vault }: ProviderStore, before: IdentityProvider, wanted: NewProvider): boolean {
  const keepsSecret = wanted.secret === undefined || wanted.secret === openSecret(vault, before)
  return keepsSecret && before.authMethod === wanted.authMethod && hasSameRule(before, wanted)
}

function newRow({ vault, now }: ProviderStore, wanted: NewProvider) {
  const id = randomUUID()
  const { name, issuer, authMethod, secret = '' } = wanted
  const at = new Date(now())
  return { id, name, issuer, authMethod, ...ruleOf(wanted), ...seal(vault, id, secret), createdAt: at, updatedAt: at }
}

function changedRow({ vault, now }: ProviderStore, before: IdentityProvider, wanted: NewProvider) {
  const { secret, authMethod } = wanted
  return {
    authMethod,
    ...ruleOf(wanted),
    ...(secret !== undefined && seal(vault, before.id, secret)),
    ...(!hasSameRule(before, wanted) && { edgeId: randomUUID() }),
    updatedAt: new Date(now()),
  }
}

function seal(vault: Pick<KeyVault, 'seal'>, id: string, secret: string) {
  const { wrapped, kekId } = vault.seal(Buffer.from(secret), recordOf(id))
  return { wrappedSecret: wrapped, kekId }
}

function recordOf(id: string): { readonly purpose: string; readonly id: string } {
  return { purpose: 'provider', id }
}

function describeUsers({ requiredClaims }: NewProvider): string {
  if (requiredClaims.length === 0) return 'all users'
  return requiredClaims.map(({ name, value }) => `${name}=${value}`).join(', ')
}
