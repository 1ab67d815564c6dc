import type { OperatorManifest, RootKey } from '@auth4agent/core/identity/operator-manifest'
import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Context } from '../context.ts'
import { refuseUnless } from '../domain/refuse-unless.ts'
import { namedRootColumns, requireCurrentKeys } from './manifests.ts'
import { lockOperator } from './operators.ts'

/** Statuses in which an operator may set its keys. */
export const CAN_SET_KEYS = ['active', 'lapsed'] as const satisfies readonly OperatorStatus[]

/** A manifest that follows the manifest in force. */
interface NextManifest {
  readonly text: string
  readonly manifest: OperatorManifest
  /** Whether the set of root keys differs from the one before. */
  readonly changesRoot: boolean
  /** The new root key that the DNS record names; undefined if the record was not looked up. */
  readonly named: RootKey | undefined
}

/**
 * Puts a manifest into force. The state of the operator may have changed during the look at DNS, so this function
 * checks it again.
 *
 * @throws ApiError MANIFEST_CONFLICT, OPERATOR_FROZEN, OPERATOR_NOT_ACTIVE, OPERATOR_SUSPENDED, OPERATOR_RELEASED
 */
export function storeManifest(context: Context, author: Author, next: NextManifest): Promise<void> {
  const { text, manifest, changesRoot, named } = next
  const { operatorId: id, seq } = manifest
  return change(context.prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, CAN_SET_KEYS)
    requireCurrentKeys(operator, author)
    if (operator.frozenAt !== null && named === undefined) throw new ApiError('OPERATOR_FROZEN')
    await tx.operatorManifest.create({ data: { operatorId: id, seq, manifest: text, changesRoot } })
    const root = named === undefined ? {} : { ...namedRootColumns(operator, named), frozenAt: null }
    await tx.operator.update({ where: { id }, data: { ...root, manifestSeq: seq, version: { increment: 1 } } })
    await audit({ action: 'operator.set-keys', subject: id, operatorId: id, reason: `manifest ${seq}` })
    if (operator.frozenAt === null || named === undefined) return
    await audit({ action: 'operator.unfreeze', subject: id, operatorId: id })
  })
}
