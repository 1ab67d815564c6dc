import type { OperatorManifest, RootKey } from '@auth4agent/core/identity/operator-manifest'
import { recordName } from '@auth4agent/core/identity/proof-record'
import type { Operator } from '../../gen/prisma/client.ts'
import type { Call } from '../calls/call.ts'
import { judgeProof, type ProofVerdict, readNamedKey } from '../platform/dns/judge-proof.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Context } from './context.ts'
import { acceptManifest, hasOtherRootKeys, onlyRemovesKeys } from './domain/accept-manifest.ts'
import { isTestDomain } from './domain/parse-domain.ts'
import { refuseUnless } from './domain/refuse-unless.ts'
import { kidsOf, readKeys } from './store/manifests.ts'
import { getOperator } from './store/operators.ts'
import { CAN_SET_KEYS, storeManifest } from './store/set-keys.ts'

/**
 * Replaces an operator's manifest. When the root keys change, or while the operator is frozen, the DNS record must
 * name one of the new root keys. So a stolen root key alone does not shut out its owner, and neither does the control
 * of DNS alone.
 *
 * @throws ApiError INVALID_MANIFEST, MANIFEST_CONFLICT, ROOT_RECORD_MISMATCH, DOMAIN_CONTESTED, OPERATOR_FROZEN,
 *   OPERATOR_NOT_FOUND, OPERATOR_NOT_ACTIVE, OPERATOR_SUSPENDED, OPERATOR_RELEASED, RATE_LIMITED
 */
export async function setOperatorKeys(
  context: Context,
  call: Call,
  { id, manifest: text }: { readonly id: string; readonly manifest: string },
): Promise<OperatorManifest> {
  const { prisma, issuer, now } = context
  const operator = await getOperator(prisma, id)
  refuseUnless(operator, CAN_SET_KEYS)
  const current = await readKeys(prisma, issuer, operator)
  const nowS = Math.floor(now() / 1000)
  const next = acceptManifest({ text, operatorId: id, issuer, current, nowS })
  const changesRoot = hasOtherRootKeys(current, next)
  const named = await findNamedRoot(context, operator, next, changesRoot)
  const onlyRemoves = onlyRemovesKeys(current, next)
  await storeManifest(context, call, { text, manifest: next, changesRoot, onlyRemoves, named })
  return next
}

/**
 * Returns the new root key that the DNS record names, or undefined if the record does not matter: the root keys stay
 * the same and the operator is not frozen.
 *
 * @throws ApiError ROOT_RECORD_MISMATCH, DOMAIN_CONTESTED
 */
async function findNamedRoot(
  context: Context,
  { domain, rootKeyThumbprint, frozenAt }: Operator,
  { operatorId, rootKeys }: OperatorManifest,
  hasOthers: boolean,
): Promise<RootKey | undefined> {
  if (context.testDomains && isTestDomain(domain)) {
    return rootKeys.find(({ kid }) => kid === rootKeyThumbprint) ?? rootKeys[0]
  }
  if (!hasOthers && frozenAt === null) return undefined
  const [thumbprint = '', ...otherRootKeys] = kidsOf(rootKeys)
  const wanted = { issuer: context.issuer, operatorId, thumbprint, otherRootKeys }
  const answers = await context.resolveTxt(recordName(domain))
  const verdict = judgeProof(answers, wanted)
  if (verdict === 'contested') {
    const detail = `${recordName(domain)} has more than one record of this server; leave only one, then try again`
    throw new ApiError('DOMAIN_CONTESTED', detail)
  }
  const named = readNamedKey(answers, wanted)
  const root = rootKeys.find(({ kid }) => kid === named)
  if (root !== undefined) return root
  const detail = `The TXT record at ${recordName(domain)} must name one of the new root keys, but ${PROBLEMS[verdict]}`
  throw new ApiError('ROOT_RECORD_MISMATCH', detail)
}

const DISAGREEMENT = 'no majority of the resolvers gave the same answer'
/** What is wrong with the record. Resolvers that know different new root keys disagree, although all records prove. */
const PROBLEMS: Readonly<Record<Exclude<ProofVerdict, 'contested'>, string>> = {
  proven: DISAGREEMENT,
  unavailable: DISAGREEMENT,
  'not-found': 'there is no record of this server',
  mismatch: 'the record there names another key or another operator',
  'incumbent-present': 'the record there names another operator',
}
