import { readChain } from '../../../services/federation/domain/chain-shape.ts'
import type { FederationRule } from '../../../services/federation/domain/refusal.ts'
import { type ChainResult, verifyChain } from '../../../services/federation/domain/verify-chain.ts'
import { type ChainPlan, type Claims, NOW_S, planChain, type StatementPlan, signStatement } from './entities.ts'

/** Signs the statements of a plan and verifies them. */
export function verifyPlan({ statements, anchor }: ChainPlan): ChainResult {
  const read = readChain(statements.map(signStatement))
  return read.ok ? verifyChain(read.statements, anchor, NOW_S) : read
}

/** Changes a chain with two intermediates: configuration, by i1, by i2, by the anchor, configuration of the anchor. */
export type Change = (plan: ChainPlan) => void

export function changed(change: Change): ChainPlan {
  const plan = planChain(2)
  change(plan)
  return plan
}

/** Returns a statement of a plan. */
export function statementAt(plan: ChainPlan, place: number): StatementPlan {
  const statement = plan.statements[place]
  if (statement === undefined) throw new Error(`The chain has no statement ${place}`)
  return statement
}

/** Replaces claims of a statement. */
export function claim(plan: ChainPlan, place: number, claims: Claims): void {
  const statement = statementAt(plan, place)
  statement.claims = { ...statement.claims, ...claims }
}

/** A change of a valid chain, and the rule that the chain then breaks at a place. */
export type Broken = readonly [title: string, change: Change, rule: FederationRule, place: number | undefined]
