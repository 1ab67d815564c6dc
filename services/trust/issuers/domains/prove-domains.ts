import type { PrismaClient } from '../../../../gen/prisma/client.ts'
import { type Author, systemAuthor } from '../../../ledger/ledger.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { type WakeableJob, wakeableJob } from '../../../platform/schedule/wakeable-job.ts'
import { type LookUpDeps, lookUpDomain } from './look-up-domain.ts'
import { type DomainProof, readProof } from './read-proof.ts'
import {
  claimDueDomains,
  findNamedDomains,
  type NamedDomain,
  type ProofOutcome,
  recordFirstProof,
  recordNextProof,
} from './store-domains.ts'

/** Dependencies of createDomainProver. */
export interface ProverDeps extends LookUpDeps {
  readonly prisma: PrismaClient
  /** The issuer of this deployment. */
  readonly issuer: string
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/**
 * Proves by DNS which issuer speaks for a domain. A run repeats the proofs that are due, and looks up domains that
 * statements name.
 */
export interface DomainProver extends WakeableJob {
  /** Lets the next run look up a domain before others, even if a look-up has just failed. */
  prefer(issuerId: string, domain: string): void
}

const JOB = 'issuer-domains'
/** Milliseconds between two runs. */
const INTERVAL_MS = 5_000
/** Look-ups of one run: of each kind, due proofs and first proofs. */
const BATCH = 16
/** Of these, the first proofs of domains that are preferred. Everybody who puts a statement has one. */
const PREFERRED = 8
/** Milliseconds after which this process looks up an unproven domain again. */
const RETRY_MS = 60_000

const WARNINGS: Partial<Readonly<Record<ProofOutcome, string>>> = {
  failed: 'a domain of an issuer could not be proven again',
  ended: 'a domain of an issuer has ended, because its proof is missing',
  full: 'an issuer has too many domains',
  taken: 'the record of a domain names an operator of another domain',
}

/** Creates the prover of this process. Several processes share the repeated proofs. */
export function createDomainProver(deps: ProverDeps): DomainProver {
  const { prisma, issuer, now } = deps
  /** When this process last looked up each unproven domain. */
  const tried = new Map<string, number>()
  const preferred = new Set<string>()

  /** Returns the named domains that this run looks up, and notes that it does. */
  async function chooseNamed(): Promise<readonly NamedDomain[]> {
    const at = now()
    for (const [key, since] of tried) if (at - since >= RETRY_MS) tried.delete(key)
    const wanted = new Set(preferred)
    preferred.clear()
    const named = await findNamedDomains(prisma, issuer, at)
    const first = named.filter((domain) => wanted.has(keyOf(domain)))
    const rest = named.filter((domain) => !wanted.has(keyOf(domain)) && !tried.has(keyOf(domain)))
    const chosen = [...first.slice(0, PREFERRED), ...rest].slice(0, BATCH)
    for (const domain of chosen) tried.set(keyOf(domain), at)
    return chosen
  }

  const run = async () => {
    const author = systemAuthor(JOB)
    const due = await claimDueDomains(prisma, now(), BATCH)
    await Promise.all(due.map((domain) => attempt(deps, author, domain, recordNextProof)))
    const named = await chooseNamed()
    await Promise.all(named.map((domain) => attempt(deps, author, domain, recordFirstProof)))
  }
  return {
    ...wakeableJob({ name: JOB, intervalMs: INTERVAL_MS, run }, deps.log),
    prefer(issuerId, domain) {
      preferred.add(keyOf({ issuerId, domain }))
    },
  }
}

function keyOf({ issuerId, domain }: Pick<NamedDomain, 'issuerId' | 'domain'>): string {
  return `${issuerId} ${domain}`
}

/** Looks up one domain and records the proof. Never rejects, so that an error with one domain delays no other. */
async function attempt<D extends NamedDomain>(
  deps: ProverDeps,
  author: Author,
  named: D,
  record: (prisma: PrismaClient, author: Author, named: D, proof: DomainProof, now: number) => Promise<ProofOutcome>,
): Promise<void> {
  const { prisma, now, log } = deps
  const { issuer, domain } = named
  try {
    const proof = readProof(await lookUpDomain(deps, named), issuer)
    const outcome = await record(prisma, author, named, proof, now())
    const warning = WARNINGS[outcome]
    if (warning !== undefined) log.warn({ issuer, domain, proof: proof.kind }, warning)
    else if (outcome === 'proven') log.info({ issuer, domain }, 'a domain of an issuer has been proven')
  } catch (error) {
    log.error({ issuer, domain, error }, 'a proof of a domain of an issuer ended with an error')
  }
}
