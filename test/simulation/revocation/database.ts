import type { Process } from './clocks.ts'
import type { Events } from './events.ts'
import { copyOf, createImage, type Image } from './image.ts'
import type { Random } from './random.ts'

/** A range of milliseconds. */
export type Span = readonly [least: number, most: number]

/** The state of the network between one process and the database. */
export interface Link {
  isCut: boolean
  /** The time until a statement arrives at the database. */
  request: Span
  /** The time until the answer to a statement comes back. */
  reply: Span
  /** Probability that a statement goes to the old primary while a promoted database has one that is not fenced. */
  astray: number
  /** The same for verifications. Their connections are others, so they may still lead to the old primary. */
  astrayChecks: number
}

/** Properties of a database. */
export interface DatabaseOptions {
  /** Time from a commit's arrival until the standby has it. */
  readonly commit: Span
  /** Probability that a statement fails by itself, before or after it took effect. */
  readonly failure: number
  /** How long a process waits for an answer, by its own clock. */
  readonly timeoutMs: number
  /**
   * Whether a standby confirms commits of an old primary after another standby was promoted. This breaks assumption Q.
   */
  readonly confirmsOldPrimary?: boolean
}

/**
 * A primary and its synchronous standby. A commit becomes visible when the standby has it. It becomes visible to all
 * processes at the same moment.
 */
export interface Database {
  readonly image: Image
  readonly isDown: boolean
  /** Runs `work` on the primary at one moment between call and answer. */
  readonly read: <T>(process: Process, link: Link, work: (image: Image) => T) => Promise<T>
  readonly write: <T>(process: Process, link: Link, work: (image: Image) => T) => Promise<T>
  /**
   * Shuts down at once. Commits that the standby has not confirmed may exist after the restart, but only on the
   * primary.
   */
  crash(): void
  restart(): void
  /** The standby receives everything. */
  catchUp(): void
  /** The standby confirms nothing until `unstall`. */
  stall(): void
  unstall(): void
  /** Fences the old primary off, and lets its standby take over. */
  promote(): void
  /**
   * Lets the standby take over while the old primary answers reads, and waits for ever with its commits. Some of those
   * that wait become visible there.
   */
  promoteUnfenced(): void
  /** Fences the old primary off. */
  fence(): void
  /** Whether there is an old primary that is not fenced. */
  readonly isSplit: boolean
  /** Stops statements from failing by themselves. */
  heal(): void
}

interface Commit {
  readonly isWaiting: () => boolean
  readonly run: (image: Image) => void
}

/** A statement that is being executed: how to answer it, and whether its connection is lost. */
interface Exchange<T> {
  readonly answer: (error: Error | undefined, value?: T) => void
  readonly isLost: () => boolean
}

/** Creates a database that is up. */
export function createDatabase(events: Events, random: Random, options: DatabaseOptions): Database {
  let { failure } = options
  let image = createImage()
  let old: Image | undefined
  let servers = 1
  const nameServer = () => {
    servers += 1
    image.server = `server ${servers}`
  }
  /** Whether a statement that arrives now goes to the old primary. */
  const goesAstray = ({ astray }: Link) => old !== undefined && random.chance(astray)
  /** The standby's state while it lacks something that the primary shows; undefined otherwise. */
  let standby: Image | undefined
  let isDown = false
  let isStalled = false
  let generation = 0
  let commits: Commit[] = []
  const during = ([least, most]: Span) => random.between(least, most)

  const exchange = <T>(process: Process, link: Link, execute: (open: Exchange<T>) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const connection = generation
      let isOver = false
      const fail = (why: string) => isOver || process.deliver(() => isOver || reject(new Error(why)))
      events.after(process.machine.span(options.timeoutMs), () => fail('no answer in time'))
      const isLost = () => generation !== connection || isDown
      const answer = (error: Error | undefined, value?: T) => {
        events.after(during(link.reply), () => {
          if (link.isCut) return
          if (isLost()) fail('the connection is lost')
          else if (error !== undefined || random.chance(failure)) fail('failed, after all')
          else
            process.deliver(() => {
              isOver = true
              resolve(value as T)
            })
        })
      }
      events.after(during(link.request), () => {
        if (link.isCut) return
        if (isLost() || random.chance(failure)) fail('failed at once')
        else execute({ answer, isLost })
      })
    })
  const takeOver = () => {
    standby = undefined
    image.timeline += 1
    nameServer()
    generation += 1
    commits = []
    isDown = false
    isStalled = false
  }
  const finish = (commit: Commit) => {
    commits = commits.filter((other) => other !== commit)
    commit.run(image)
  }
  const confirm = () => {
    if (standby !== undefined || isStalled) return
    for (const commit of commits.filter(({ isWaiting }) => isWaiting())) finish(commit)
  }
  return {
    get image() {
      return image
    },
    get isDown() {
      return isDown
    },
    get isSplit() {
      return old !== undefined
    },
    read: (process, link, work) =>
      exchange(process, link, ({ answer }) =>
        answer(undefined, work(goesAstray(link) && old !== undefined ? old : image)),
      ),
    write: (process, link, work) =>
      exchange(process, link, ({ answer, isLost }) => {
        if (goesAstray(link)) {
          const stale = old
          if (options.confirmsOldPrimary === true && stale !== undefined) attempt(() => work(stale), answer)
          return
        }
        let isReceived = false
        const run = (on: Image) => attempt(() => work(on), answer)
        const commit: Commit = { isWaiting: () => isReceived, run }
        commits.push(commit)
        events.after(during(options.commit), () => {
          if (isLost()) return answer(new Error('the connection is lost'))
          if (!commits.includes(commit)) return
          // The standby cannot confirm this commit while it lacks earlier ones.
          if (standby === undefined && !isStalled) finish(commit)
          else isReceived = true
        })
      }),
    crash() {
      if (isDown) return
      isDown = true
      isStalled = false
      generation += 1
      const flushed = commits.filter(() => random.chance(0.7))
      commits = []
      if (flushed.length > 0) standby ??= copyOf(image)
      for (const commit of flushed) commit.run(image)
    },
    restart() {
      nameServer()
      isDown = false
    },
    catchUp() {
      standby = undefined
      confirm()
    },
    stall() {
      isStalled = !isDown
    },
    unstall() {
      isStalled = false
      confirm()
    },
    promote() {
      image = standby ?? image
      takeOver()
    },
    promoteUnfenced() {
      if (isDown || old !== undefined) return
      old = copyOf(image)
      image = standby ?? copyOf(image)
      // An old primary that stops ends its sessions one after the other, so the last ones see what the first ones did
      // not get confirmed.
      for (const commit of commits.filter(() => random.chance(0.5))) commit.run(old)
      takeOver()
    },
    fence() {
      old = undefined
    },
    heal() {
      failure = 0
    },
  }
}

function attempt<T>(work: () => T, answer: (error: Error | undefined, value?: T) => void): void {
  try {
    answer(undefined, work())
  } catch (error) {
    answer(error instanceof Error ? error : new Error(String(error)))
  }
}
