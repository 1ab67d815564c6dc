import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** A small file of the contract runs the hundreds of cases of a table. */
const LONG = /^test\/contract\//

/**
 * Begins with the files that take longest: those of the contract, then the largest. Otherwise all workers but one
 * would wait at the end.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(relative(this.ctx.config.root, moduleId))
    const bySize = super.sort.bind(this)
    const [long, others] = [files.filter(isLong), files.filter((each) => !isLong(each))]
    const sorted = [...(await bySize(long)), ...(await bySize(others))]
    // vitest runs one project after the other, in the order of their names.
    return [...Map.groupBy(sorted, ({ project }) => project).values()].flat()
  }
}
