import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { IssuerSubject } from '../../../../gen/prisma/client.ts'
import type { IssuerService, IssuerSubjectSchema } from '../../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import type { Handlers } from '../../../calls/call.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { checkReason } from '../../../platform/requests/check-text.ts'
import type { TrustDeps } from '../../config.ts'
import { readNewSubject } from './domain/read-new-subject.ts'
import { listSubjects, putSubject, removeSubject } from './store.ts'

type SubjectDeps = Pick<TrustDeps, 'db' | 'readDb' | 'now' | 'issuer'> & {
  readonly operators: Pick<TrustDeps['operators'], 'lookupOperator'>
}
type SubjectHandlers = Pick<
  Handlers<typeof IssuerService>,
  'putIssuerSubject' | 'listIssuerSubjects' | 'removeIssuerSubject'
>

/** Creates the handlers for rules about the subjects of identity providers. */
export function subjectRoutes({ db, readDb, now, issuer, operators }: SubjectDeps): SubjectHandlers {
  const store = { prisma: db.prisma, now }
  return {
    async putIssuerSubject(request, call) {
      const rule = readNewSubject(request, issuer)
      // Only to tell of a wrong id. A rule for an operator that is not active gives no token.
      const { operator } = await operators.lookupOperator({ by: { case: 'id', value: rule.operatorId } }, call)
      if (operator === undefined) throw new ApiError('OPERATOR_NOT_FOUND')
      return { subject: toMessage(await putSubject(store, call, request.id, rule)) }
    },
    async listIssuerSubjects(request) {
      const { rows, nextPageToken } = await listSubjects(readDb.prisma, request)
      return { subjects: rows.map(toMessage), nextPageToken }
    },
    async removeIssuerSubject({ id, rule, reason }, call) {
      return { subject: toMessage(await removeSubject(store, call, { id, rule }, checkReason(reason))) }
    },
  }
}

function toMessage(row: IssuerSubject): MessageInitShape<typeof IssuerSubjectSchema> {
  const { edgeId: rule, tenant, sub, subject: user, operatorId, audiences, scopes, putAt } = row
  return { rule, tenant, sub, user, operatorId, audience: audiences, scope: scopes, putAt: timestampFromDate(putAt) }
}
