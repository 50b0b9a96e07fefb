import { type Clock, ParleyError, sleep } from '../core/index.ts'

/** Something that is to be learned, again and again. */
export interface Lesson {
  /** Counts the wishes to learn it anew at once, and the one it was learned for last. */
  wanted: number
  learnedFor: number
  /** Monotonic milliseconds. */
  nextLearnAt: number
  learning: boolean
  /** Whether it could be learned before and not since. */
  readonly isDoubtful: boolean
  /** Aborted when nobody wants it any more. */
  readonly left: AbortController
}

/** Learns each by itself: one that does not answer holds up nobody else. */
export interface Learner {
  /** Starts those that are due, as far as there is room. */
  readonly next: () => void
  /** Learns all of these anew; returns when each was tried. */
  readonly all: (signal: AbortSignal) => Promise<void>
  /** Waits until nothing is being learned. */
  readonly idle: () => Promise<void>
}

export interface LearnerOptions<T extends Lesson> {
  readonly lessons: () => readonly T[]
  readonly learn: (lesson: T) => Promise<void>
  readonly clock: Clock
}

const learningMax = 16
/** Room for those that may not answer at all; the rest is kept for those that did. */
const doubtfulMax = 8
const tickMs = 1_000

export function createLearner<T extends Lesson>({ lessons, learn, clock }: LearnerOptions<T>): Learner {
  const running = new Map<T, Promise<void>>()

  const begin = (lesson: T) => {
    const { wanted } = lesson
    lesson.learning = true
    const done = learn(lesson).finally(() => {
      Object.assign(lesson, { learnedFor: wanted, learning: false })
      running.delete(lesson)
      next()
    })
    running.set(lesson, done)
  }
  const next = () => {
    const doubtful = () => [...running.keys()].filter(({ isDoubtful }) => isDoubtful).length
    for (const lesson of dueOf(lessons(), clock.monotonic())) {
      if (running.size >= learningMax) return
      if (!lesson.isDoubtful || doubtful() < doubtfulMax) begin(lesson)
    }
  }
  return {
    next,
    idle: async () => void (await Promise.all(running.values())),
    all: async signal => {
      const asked = lessons().map(lesson => ({ lesson, wanted: ++lesson.wanted }))
      const isOpen = ({ lesson, wanted }: (typeof asked)[number]) =>
        lesson.learnedFor < wanted && !lesson.left.signal.aborted
      for (next(); asked.some(isOpen); next()) await Promise.race([...running.values(), sleep(tickMs, signal)])
    },
  }
}

/** What changed goes first, then what was not learned for longest. */
function dueOf<T extends Lesson>(lessons: readonly T[], now: number): T[] {
  const isWanted = ({ wanted, learnedFor }: T) => learnedFor < wanted
  return lessons
    .filter(({ learning, left }) => !learning && !left.signal.aborted)
    .filter(lesson => isWanted(lesson) || lesson.nextLearnAt <= now)
    .sort((a, b) => Number(isWanted(b)) - Number(isWanted(a)) || a.nextLearnAt - b.nextLearnAt)
}

/** Why something is not learned any more. */
export function leave({ left }: Lesson): void {
  left.abort(new ParleyError('stopping', 'this provider is not asked any more'))
}
