import type { IssuerService } from '../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { readChainOf } from '../../federation/chains/chain-store.ts'
import { checkReason } from '../../platform/requests/check-text.ts'
import type { TrustDeps } from '../config.ts'
import { readNewIssuer } from './domain/read-new-issuer.ts'
import * as store from './store.ts'
import { toMessage } from './to-message.ts'

/** Dependencies of the handlers of IssuerService. */
type IssuerDeps = Pick<TrustDeps, 'db' | 'vault' | 'now' | 'issuer' | 'testDomains' | 'foreign' | 'settings'> & {
  readonly logs: Pick<TrustDeps['logs'], 'asOf'>
  readonly lists: Pick<TrustDeps['lists'], 'asOf'>
}

/** Those about the subjects of an issuer are in subjects/. */
type IssuerHandlers = Omit<
  Handlers<typeof IssuerService>,
  'putIssuerSubject' | 'listIssuerSubjects' | 'removeIssuerSubject'
>

/** Creates the handlers of IssuerService. */
export function issuerRoutes(deps: IssuerDeps): IssuerHandlers {
  const { db, vault, now, issuer: ourIssuer, testDomains, foreign, logs, lists, settings } = deps
  const issuers: store.IssuerStore = { prisma: db.prisma, vault, now, skewMs: settings.skewS * 1_000 }
  const asOf = (row: store.IssuerRow) => logs.asOf(row.issuer) ?? lists.asOf(row.id)
  const answer = async (row: store.IssuerRow) => ({
    issuer: toMessage(row, asOf(row), await readChainOf(db.prisma, row.issuer)),
  })
  return {
    async addIssuer(request, call) {
      const row = await store.addIssuer(issuers, call, await readNewIssuer(request, { ourIssuer, testDomains }))
      foreign.wakeKeys()
      return answer(row)
    },
    async listIssuers() {
      const [rows, all] = await Promise.all([store.listIssuers(db.prisma), db.prisma.trustChain.findMany()])
      const chains = new Map(all.map((chain) => [chain.subject, chain]))
      return { issuers: rows.map((row) => toMessage(row, asOf(row), chains.get(row.issuer) ?? null)) }
    },
    async disableIssuer({ id, reason }, call) {
      return answer(await store.disableIssuer(issuers, call, id, checkReason(reason)))
    },
    async enableIssuer({ id, reason }, call) {
      const row = await store.enableIssuer(issuers, call, id, checkReason(reason))
      foreign.wakeKeys()
      return answer(row)
    },
    async readmitIssuerKey({ id, kid, reason }, call) {
      const row = await store.readmitKey(issuers, call, { id, kid }, checkReason(reason))
      foreign.wakeKeys()
      return answer(row)
    },
  }
}
