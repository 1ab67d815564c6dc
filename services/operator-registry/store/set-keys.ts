import type { OperatorManifest, RootKey } from '@auth4agent/core/identity/operator-manifest'
import type { Operator } from '../../../gen/prisma/client.ts'
import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
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
  /** Whether the manifest only takes keys or roles away. */
  readonly onlyRemoves: boolean
  /** The new root key that the DNS record names; undefined if the record was not looked up. */
  readonly named: RootKey | undefined
}

/**
 * Puts a manifest into force. The state of the operator may have changed during the look at DNS, so this function
 * checks it again.
 *
 * @throws ApiError MANIFEST_CONFLICT, OPERATOR_FROZEN, OPERATOR_NOT_ACTIVE, OPERATOR_SUSPENDED, OPERATOR_RELEASED,
 *   RATE_LIMITED
 */
export function storeManifest(context: Context, author: Author, next: NextManifest): Promise<void> {
  const { text, manifest, changesRoot, onlyRemoves, named } = next
  const { operatorId: id, seq } = manifest
  return change(context.prisma, author, async (tx, audit) => {
    const operator = await lockOperator(tx, id)
    refuseUnless(operator, CAN_SET_KEYS)
    requireCurrentKeys(operator, author)
    if (operator.frozenAt !== null && named === undefined) throw new ApiError('OPERATOR_FROZEN')
    if (!onlyRemoves) await demandRoom(tx, operator)
    await tx.operatorManifest.create({ data: { operatorId: id, seq, manifest: text, changesRoot } })
    // A request that has been granted waits no longer.
    await tx.keyRequest.deleteMany({ where: { operatorId: id, kid: { in: manifest.keys.map(({ kid }) => kid) } } })
    const root = named === undefined ? {} : { ...namedRootColumns(operator, named), frozenAt: null }
    await tx.operator.update({ where: { id }, data: { ...root, manifestSeq: seq, version: { increment: 1 } } })
    await audit({ action: 'operator.set-keys', subject: id, operatorId: id, reason: `manifest ${seq}` })
    if (operator.frozenAt === null || named === undefined) return
    await audit({ action: 'operator.unfreeze', subject: id, operatorId: id })
  })
}

/** How many manifests an operator may put into force in a day, and how many if it is frozen. */
export const MANIFESTS_A_DAY = { usual: 32, frozen: 64 } as const
const DAY_S = 86_400

/**
 * Refuses a manifest more than the largest number of a day, because manifests stay for good. The row of the operator
 * must be locked. Only DNS freezes an operator. So a thief of a root key cannot use up the manifests with which the
 * owner of the domain gets rid of the key.
 *
 * @throws ApiError RATE_LIMITED
 */
async function demandRoom(tx: Tx, { id, frozenAt }: Operator): Promise<void> {
  const most = MANIFESTS_A_DAY[frozenAt === null ? 'usual' : 'frozen']
  const [oldest] = await tx.$queryRaw<{ age: number }[]>`
    SELECT extract(epoch FROM clock_timestamp() - created_at)::float8 AS age FROM operator_manifests
    WHERE operator_id = ${id}::uuid ORDER BY seq DESC OFFSET ${most - 1} LIMIT 1`
  if (oldest === undefined || oldest.age >= DAY_S) return
  throw new ApiError('RATE_LIMITED', `An operator may put ${most} manifests into force in a day`, {
    retryAfter: Math.ceil(DAY_S - oldest.age),
  })
}
