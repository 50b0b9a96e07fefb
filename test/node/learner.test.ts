import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/index.ts'
import { createLearner, type Lesson, leave } from '../../src/node/learner.ts'

interface Pupil extends Lesson {
  readonly name: string
}

const pupil = (name: string, isDoubtful: boolean): Pupil => ({
  ...{ name, isDoubtful, wanted: 1, learnedFor: 0, nextLearnAt: 0, learning: false, left: new AbortController() },
})

/** Some that never answer, and one that does. */
function classOf(mutes: number) {
  const lessons = [...Array.from({ length: mutes }, (_, i) => pupil(`mute ${i}`, true)), pupil('known', false)]
  const learned: string[] = []
  const learner = createLearner({
    lessons: () => lessons,
    clock: systemClock,
    learn: async lesson => {
      if (lesson.isDoubtful) await new Promise(resolve => lesson.left.signal.addEventListener('abort', resolve))
      learned.push(lesson.name)
      lesson.nextLearnAt = Number.POSITIVE_INFINITY
    },
  })
  return { lessons, learned, learner }
}

test('dozens that do not answer hold up nobody who did', async () => {
  const { lessons, learned, learner } = classOf(60)
  const known = lessons.at(-1)!
  learner.next()
  await expect.poll(() => learned).toEqual(['known'])
  known.wanted++
  learner.next()
  await expect.poll(() => learned).toEqual(['known', 'known'])
  expect(lessons.filter(({ learning }) => learning).length).toBe(8)
  lessons.forEach(leave)
  await expect.poll(() => lessons.filter(({ learning }) => learning).length).toBe(0)
  await learner.idle()
})

test('what changes while it is learned is learned once more', async () => {
  const { lessons, learned, learner } = classOf(0)
  learner.next()
  lessons[0]!.wanted++
  await expect.poll(() => learned).toEqual(['known', 'known'])
})

test('learning all waits until each was tried, and no longer than its signal', async () => {
  const quick = classOf(0)
  await quick.learner.all(AbortSignal.timeout(10_000))
  expect(quick.learned).toEqual(['known'])
  await expect(classOf(1).learner.all(AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'timeout' })
})
