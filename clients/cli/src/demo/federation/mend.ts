import type { NewStatement, TrustStatementRecord } from '@auth4agent/sdk'
import type { FederatedOperator, FederationCast } from './cast.ts'

/**
 * Brings the example back to its beginning, whatever an earlier run has changed: B has enabled A, guild names acme,
 * and dock does not let bolt call.
 */
export async function mend({ a, b, c, acme, bolt, dock, guild, administrator }: FederationCast): Promise<void> {
  const admitted = (await administrator.issuers.list()).find(({ issuer }) => issuer === a.issuer)
  if (admitted?.status === 'disabled') await administrator.issuers.enable(admitted.id, 'demo')
  const direct = await findStatement(dock, bolt)
  if (direct !== undefined) await dock.operator.trust.revoke(direct.jti, 'demo')
  if ((await findStatement(guild, acme)) === undefined) {
    await sign(guild, acme, { kind: 'member', aud: [b.issuer, c.issuer], visibility: 'public' })
  }
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

/** Signs a statement about another operator, and puts it into force. */
async function sign(
  { operator }: FederatedOperator,
  { operator: about, domain, home }: FederatedOperator,
  said: Omit<NewStatement, 'subject'>,
): Promise<TrustStatementRecord> {
  const subject = { operatorId: about.id, domain, home: home.issuer }
  return operator.trust.put(await operator.trust.sign(await operator.trust.draft({ ...said, subject })))
}
