import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configKeys, createConfig, loadConfig, resolvePaths } from '../../src/config/index.ts'
import { ParleyError } from '../../src/core/index.ts'
import { temporaryHome } from './home.ts'

const paths = resolvePaths({ PARLEY_HOME: '/nowhere' })

test('a configuration is taken whole or not at all, whatever is in it', () => {
  const sections = [...new Set(configKeys.map(({ path }) => path.split('.')[0]!))]
  const names = configKeys.map(({ path }) => path.split('.').at(-1)!)
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant('0.5'),
    fc.array(fc.string()),
    fc.object(),
  )
  const section = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 })
  const input = fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...sections) }, fc.string()), section)
  fc.assert(
    fc.property(input, tree => {
      const before = JSON.stringify(tree)
      try {
        const again = createConfig(
          JSON.parse(JSON.stringify(createConfig(tree, paths), (key, value) => (key === 'paths' ? undefined : value))),
          paths,
        )
        expect(again.http.port).toBeTypeOf('number')
      } catch (error) {
        expect(error).toBeInstanceOf(ParleyError)
        expect((error as ParleyError).code).toBe('config_invalid')
      }
      expect(JSON.stringify(tree)).toBe(before)
    }),
    { numRuns: 500 },
  )
})

test('no text in a variable does anything but set its key or fail with its name', () => {
  const { env } = temporaryHome()
  fc.assert(
    fc.property(fc.constantFrom(...configKeys), fc.string({ minLength: 1 }), (key, text) => {
      try {
        const { origins } = loadConfig({ env: { ...env, [key.variable]: text } })
        expect([...origins].filter(([, { layer }]) => layer !== 'default').map(([path]) => path)).toEqual([key.path])
      } catch (error) {
        expect(error).toBeInstanceOf(ParleyError)
        expect((error as ParleyError).message).toMatch(new RegExp(`${key.variable}|${key.path}`))
      }
    }),
    { numRuns: 500 },
  )
})

test('no two keys share a variable or a flag', () => {
  const variables = configKeys.map(({ variable }) => variable)
  const flags = configKeys.flatMap(({ flag }) => flag ?? [])
  expect(new Set(variables).size).toBe(variables.length)
  expect(new Set(flags).size).toBe(flags.length)
  expect(configKeys.filter(({ description }) => description === '')).toEqual([])
})
