import type { Operator } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { Context } from '../context.ts'
import { isOwner } from '../domain/decide-confirm.ts'
import { judgeNamedKey } from '../domain/judge-named-key.ts'
import { kidsOf, namedRootColumns, readKeys } from './manifests.ts'
import { lockOperator } from './operators.ts'

/** A transaction that has locked an operator. */
interface Applying {
  readonly tx: Tx
  readonly audit: Audit
  readonly context: Context
}

/**
 * Applies what the record in DNS says about the keys of a locked operator: freezes or unfreezes it, and notes which
 * root key the record names. Changes nothing if the keys have changed since the look at DNS began.
 *
 * @param seenSeq number of the operator's manifest before the look.
 * @returns whether the record names a key that is no root key of the operator.
 */
export async function applyNamedKey(
  { tx, audit, context }: Applying,
  operator: Operator,
  named: string | undefined,
  seenSeq: number,
): Promise<boolean> {
  const { id, rootKeyThumbprint, frozenAt, manifestSeq } = operator
  if (!isOwner(operator) || manifestSeq !== seenSeq) return false
  const { rootKeys } = await readKeys(tx, context.issuer, operator)
  const isFrozen = frozenAt !== null
  const verdict = judgeNamedKey({ named, rootKeys: kidsOf(rootKeys), rootKeyThumbprint, isFrozen })
  const adopted = rootKeys.find(({ kid }) => kid === verdict.adopts)
  if (adopted !== undefined) {
    const data = { ...namedRootColumns(operator, adopted), version: { increment: 1 } }
    await tx.operator.update({ where: { id }, data })
    await audit({ action: 'operator.root-record', subject: id, operatorId: id, reason: `names the key ${adopted.kid}` })
  }
  if (verdict.becomes === 'frozen') {
    await tx.operator.update({ where: { id }, data: { frozenAt: new Date(context.now()) } })
    const reason = `the DNS record names the key ${shown(named ?? '')}`
    await audit({ action: 'operator.freeze', subject: id, operatorId: id, reason })
  }
  if (verdict.becomes === 'unfrozen') {
    await tx.operator.update({ where: { id }, data: { frozenAt: null } })
    await audit({ action: 'operator.unfreeze', subject: id, operatorId: id })
  }
  return verdict.isForeign
}

/** Returns at most 64 printable characters of a thumbprint in DNS, because a record can contain any text. */
function shown(named: string): string {
  return named.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 64)
}

/**
 * Freezes an operator, because a look at DNS found the key `named` in its record.
 *
 * @param seen the operator as it was before the look.
 */
export function freezeOperator(context: Context, author: Author, seen: Operator, named: string): Promise<boolean> {
  return change(context.prisma, author, async (tx, audit) =>
    applyNamedKey({ tx, audit, context }, await lockOperator(tx, seen.id), named, seen.manifestSeq),
  )
}
