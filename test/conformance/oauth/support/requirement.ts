/** A requirement of a standard that tests of this project hold. */
interface TestedRequirement {
  /** The number of the section, or its heading in a standard without numbers. */
  readonly section: string
  /** What the standard requires, in one sentence of our own. */
  readonly requirement: string
  /**
   * The tests that fail if the requirement is broken. Each is the path of a file from the checkout, then the titles of
   * the groups around the test, then its title, with ` › ` between them.
   */
  readonly tests: readonly string[]
  /** What this project does otherwise, and why. The tests then hold this. */
  readonly differs?: string
}

/** A requirement of a standard for a feature that this project does not have. */
interface ForeignRequirement {
  readonly section: string
  readonly requirement: string
  /** Why the requirement does not concern this project. */
  readonly notOurs: string
}

/** A row of a table. Each table has the requirements of one standard. */
export type Requirement = TestedRequirement | ForeignRequirement

/** Separates the path of a file and the titles in it. */
export const SEPARATOR = ' › '

/**
 * Returns the problems of one row, each as a sentence. A row without problems gives an empty list.
 * @param hasTest tells whether a file, given by its path from the checkout, contains a test with these titles
 */
export function problemsOf(row: Requirement, hasTest: (file: string, titles: string) => boolean): string[] {
  const name = `${row.section}: ${row.requirement}`
  if (row.section === '' || !/^\p{Lu}.*[^.]$/u.test(row.requirement)) return [`${name}: write a section and a sentence`]
  if ('notOurs' in row) return row.notOurs === '' ? [`${name}: say why it is not ours`] : []
  if (row.tests.length === 0) return [`${name}: no test`]
  return row.tests.flatMap((test) => {
    const [file = '', ...titles] = test.split(SEPARATOR)
    return hasTest(file, titles.join(SEPARATOR)) ? [] : [`${name}: there is no test ${test}`]
  })
}
