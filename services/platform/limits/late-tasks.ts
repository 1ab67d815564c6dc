interface Late {
  readonly key: string
  readonly end: () => void
}

/**
 * Keeps at most `most` late tasks. When there is one more, it calls `end` of the oldest task of the key with the most
 * tasks.
 *
 * @returns a function that adds a task, and returns the function that removes it
 */
export function createLateTasks(most: number): (key: string, end: () => void) => () => void {
  const tasks = new Set<Late>()
  return (key, end) => {
    const task = { key, end }
    tasks.add(task)
    if (tasks.size > most) {
      const oldest = oldestOfMost(tasks)
      tasks.delete(oldest)
      oldest.end()
    }
    return () => void tasks.delete(task)
  }
}

function oldestOfMost(tasks: Iterable<Late>): Late {
  const counts = new Map<string, number>()
  const all = [...tasks]
  for (const { key } of all) counts.set(key, (counts.get(key) ?? 0) + 1)
  const countOf = ({ key }: Late) => counts.get(key) ?? 0
  return all.reduce((worst, each) => (countOf(each) > countOf(worst) ? each : worst))
}
