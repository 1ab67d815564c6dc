import { CALL_CASES, CHAIN_CASES } from './call-cases.ts'
import { capabilitiesOf, PAY } from './constraints.ts'
import { checkWith, type Library } from './library.ts'
import { CONSTRAINT_ROWS, GRANT_CASES } from './order-cases.ts'
import { PARSE_CASES } from './parse-cases.ts'
import { VALUE_ROWS } from './permit-cases.ts'

/** What a library answers in one case of the tables, and the right answer. */
export interface Answer {
  readonly name: string
  readonly answer: unknown
  readonly expected: unknown
}

/** Compares pairs of constraints, and grants with their parents. */
export function answerOrder(library: Library): readonly Answer[] {
  const pairs = CONSTRAINT_ROWS.flatMap(([parent, narrower, others]) =>
    [...narrower, ...others].map((child, at) => ({
      name: `${JSON.stringify(child)} under ${JSON.stringify(parent)}`,
      answer: library.isNarrower(child, parent),
      expected: at < narrower.length,
    })),
  )
  const grants = GRANT_CASES.map(({ name, child, parent, reason }) => ({
    name,
    answer: library.compareCapabilities(capabilitiesOf(child), capabilitiesOf(parent))?.reason,
    expected: reason,
  }))
  return [...pairs, ...grants]
}

/** Checks values against constraints, and calls against grants and chains. */
export function answerPermits(library: Library): readonly Answer[] {
  const values = VALUE_ROWS.flatMap(([constraint, admitted, refused]) =>
    [...admitted, ...refused].map((value, at) => ({
      name: `${JSON.stringify(constraint)}, value ${at}`,
      answer: library.admits(constraint, value),
      expected: at < admitted.length,
    })),
  )
  const calls = CALL_CASES.map(({ name, map, args, reason }) => ({
    name,
    answer: checkWith(library, [capabilitiesOf({ [PAY]: map })], PAY, args)?.reason,
    expected: reason,
  }))
  const chains = CHAIN_CASES.map(({ name, hops, args, refused }) => {
    const refusal = checkWith(library, hops.map(capabilitiesOf), PAY, args)
    return { name, answer: refusal && { hop: refusal.hop, reason: refusal.reason }, expected: refused }
  })
  return [...values, ...calls, ...chains]
}

/** Reads authorization details. Capabilities that are read must be written in the same form. */
export function answerParse(library: Library): readonly Answer[] {
  return PARSE_CASES.map(({ name, details, written = details, reason }) => {
    const read = library.parseCapabilities(details)
    const answer = read.ok ? library.formatCapabilities(read.value) : read.reason
    return { name, answer, expected: reason ?? written }
  })
}

/** Returns the names of the cases that a library answers wrongly. An error is a wrong answer, too. */
export function wrongAnswers(library: Library): readonly string[] {
  return [answerOrder, answerPermits, answerParse].flatMap((answer) => {
    try {
      return answer(library)
        .filter((each) => JSON.stringify(each.answer) !== JSON.stringify(each.expected))
        .map(({ name }) => name)
    } catch (error) {
      return [String(error)]
    }
  })
}
