import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import type { Asserter } from '../../support/parties.ts'
import { until } from '../../support/until.ts'
import type { Load } from '../clients/load.ts'
import * as requests from '../clients/requests.ts'
import type { HeldToken, Party, Session } from '../clients/session.ts'
import type { AuditRow, History, ProcessAfterwards } from '../history/history.ts'
import { acknowledgedRevocations, endOfTokens, tokensOf } from '../history/revocations.ts'
import type { Fleet, FleetProcess } from './fleet.ts'

/** How long a deployment may take to recover by itself after all faults are over, in milliseconds. */
const RECOVERY_MS = 15_000
/** How long to wait for new metrics, in milliseconds. The server updates them once a second. */
const METRICS_MS = 1_100
/** How long a probe waits for its answer. */
const PROBE_MS = 2_000
/** How many calls run at the same time after the recovery. */
const AT_ONCE = 8

/** The state of a run when the faults are over. */
interface Ended {
  readonly fleet: Fleet
  readonly load: Load
  readonly parties: readonly Party[]
  readonly databaseUrl: string
}

/** Waits for the recovery, makes all remaining calls, and builds the history. */
export async function conclude(ended: Ended): Promise<History> {
  const { fleet, load, databaseUrl } = ended
  const { recorder } = load.shared
  const isRecovered = await recover(fleet).then(
    () => true,
    () => false,
  )
  const recoveredAt = isRecovered ? performance.now() : Number.POSITIVE_INFINITY
  const before = await Promise.all(fleet.verifiers.map(answersFromMemory))
  if (isRecovered) await askAll(ended)
  await delay(METRICS_MS)
  const after = await Promise.all(fleet.verifiers.map(answersFromMemory))
  const fromMemory = (process: FleetProcess) => {
    const index = fleet.verifiers.indexOf(process)
    return index < 0 ? undefined : (after[index] ?? 0) - (before[index] ?? 0)
  }
  const found = fleet.processes.map(async (process): Promise<ProcessAfterwards> => {
    const count = fromMemory(process)
    return {
      name: process.name,
      isReady: await isReady(process),
      ...(count !== undefined && { fromMemory: count }),
    }
  })
  return {
    operations: recorder.operations,
    faults: recorder.faults,
    verifiers: fleet.endpoints.map(({ name }) => name),
    recoveredAt,
    afterwards: await Promise.all(found),
    audit: await readAudit(databaseUrl),
  }
}

/** Waits until the fleet has recovered by itself. */
async function recover({ processes, verifiers }: Fleet): Promise<void> {
  await until(
    async () => (await Promise.all(processes.map(isReady))).every(Boolean),
    (areReady) => areReady,
    RECOVERY_MS,
  )
  await until(
    async () => Promise.all(verifiers.map((one) => metric(one, 'auth4agent_revocation_lease_valid'))),
    (leases) => leases.every((held) => held === 1),
    RECOVERY_MS,
  )
}

/**
 * Issues fresh tokens, verifies all ended tokens at all verifiers, and redeems unanswered challenges again at each
 * server.
 */
async function askAll({ fleet, load, parties }: Ended): Promise<void> {
  const { shared, afterwards } = load
  const { operations } = shared.recorder
  const ended = endOfTokens(tokensOf(operations), acknowledgedRevocations(operations))
  // Each gateway calls the verifiers behind it in turn, so this many rounds reach each of them.
  const rounds = fleet.verifiers.length
  const probe = async (token: HeldToken) => {
    for (let round = 0; round < rounds; round += 1) await afterwards.probe([token])
  }
  await makeActive(parties, afterwards, fleet.admin)
  for (const party of parties) {
    const fresh = await afterwards.issue(party)
    if (fresh !== undefined) await probe(fresh)
  }
  await inTurn(
    shared.tokens.filter(({ jti }) => ended.has(jti)),
    probe,
  )
  await inTurn([...shared.unanswered], async (body) => {
    const holder = parties.find(({ agent }) => agent.did === body.did)
    if (holder === undefined) throw new Error(`Unknown agent ${body.did}`)
    const { agent, operator } = holder
    const action = { name: 'token', challenge: body.challenge, agent: agent.did, operator: operator.id } as const
    for (const at of shared.callers) await afterwards.ask(action, requests.token(body), at)
  })
}

/** Ends the suspensions that were still in force when the clients stopped. */
async function makeActive(parties: readonly Party[], session: Session, admin: Asserter): Promise<void> {
  for (const operator of new Set(parties.map((party) => party.operator)))
    await session.change('reinstate-operator', operator.id, requests.reinstateOperator(operator, admin))
  for (const { operator, agent } of parties)
    await session.change('reactivate-agent', agent.did, requests.reactivateAgent(operator, agent))
}

/** Does the work for all items, AT_ONCE items at the same time. */
async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function isReady({ process }: FleetProcess): Promise<boolean> {
  return fetch(`${process.baseUrl}/ready`, { signal: AbortSignal.timeout(PROBE_MS) }).then(
    ({ ok }) => ok,
    () => false,
  )
}

const answersFromMemory = (process: FleetProcess) =>
  metric(process, 'auth4agent_revocation_checks_total{path="memory"}')

/** Reads one number from a process's metrics; 0 if it is missing. */
async function metric({ process }: FleetProcess, name: string): Promise<number> {
  const response = await fetch(`${process.baseUrl}/metrics`, { signal: AbortSignal.timeout(PROBE_MS) }).catch(
    () => undefined,
  )
  const lines = (await response?.text())?.split('\n') ?? []
  const line = lines.find((one) => one.startsWith(`${name} `))
  return line === undefined ? 0 : Number(line.slice(name.length))
}

async function readAudit(url: string): Promise<AuditRow[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<AuditRow>(
      `SELECT request_id AS "requestId", action, subject FROM audit_logs WHERE outcome = 'done'`,
    )
    return rows
  } finally {
    await client.end()
  }
}
