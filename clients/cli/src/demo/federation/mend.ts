import type { NewStatement, TrustStatementRecord } from '@auth4agent/sdk'
import type { FederatedOperator, FederationCast } from './cast.ts'

/**
 * Brings the example back to its beginning, whatever an earlier run has changed: B has enabled A, guild names acme,
 * and dock does not let bolt call.
 */
export async function mend(cast: FederationCast): Promise<void> {
  const { b, c, acme, bolt, dock, guild } = cast
  await enableHome(cast)
  const direct = await findStatement(dock, bolt)
  if (direct !== undefined) await dock.operator.trust.revoke(direct.jti, 'demo')
  if ((await findStatement(guild, acme)) === undefined) {
    await sign(guild, acme, { kind: 'member', aud: [b.issuer, c.issuer], visibility: 'public' })
  }
}

/** Finds the admission of A at B. */
export async function findAdmission({ a, administrator }: FederationCast) {
  return (await administrator.issuers.list()).find(({ issuer }) => issuer === a.issuer)
}

/** Lets B enable A, if A is disabled. */
export async function enableHome(cast: FederationCast): Promise<void> {
  const admitted = await findAdmission(cast)
  if (admitted?.status === 'disabled') await cast.administrator.issuers.enable(admitted.id, 'demo')
}

/** Finds the live statement of an operator about another one. */
export async function findStatement(
  signer: FederatedOperator,
  subject: FederatedOperator,
): Promise<TrustStatementRecord | undefined> {
  for await (const statement of signer.operator.trust.list()) {
    const isTheirs =
      statement.signer.operator_id === signer.operator.id && statement.subject.operator_id === subject.operator.id
    if (isTheirs && statement.state === 'active') return statement
  }
  return undefined
}

/** Finds the live statement by which agents of an operator get tokens at another deployment. */
export async function findChainsTo({ operator }: FederatedOperator): Promise<TrustStatementRecord | undefined> {
  for await (const statement of operator.trust.list()) {
    if (statement.kind === 'chains-to' && statement.state === 'active') return statement
  }
  return undefined
}

/** Signs a statement about another operator, and puts it into force. */
async function sign(
  { operator }: FederatedOperator,
  { operator: about, domain, home }: FederatedOperator,
  said: Omit<NewStatement, 'subject'>,
): Promise<TrustStatementRecord> {
  const subject = { operatorId: about.id, domain, home: home.issuer }
  return operator.trust.put(await operator.trust.sign(await operator.trust.draft({ ...said, subject })))
}
