import type { SignUpSettings } from '../../auth/index.ts'
import type { Config } from '../../config/index.ts'

const millionths = 1_000_000n

/** What the configuration gives to those who sign up; undefined where nobody may. */
export function signUpOf({ management }: Pick<Config, 'management'>): (() => SignUpSettings) | undefined {
  const { enabled, domains, budget, window, priceMultiplier, rpm, tpm, parallel, models } = management.signUp
  if (!enabled) return undefined
  const settings: SignUpSettings = {
    isOpen: true,
    domains,
    priceMultiplier: Math.round(priceMultiplier * 1_000),
    ...(budget !== undefined && { budget: { amount: millionthsOf(budget), window } }),
    key: { rpm, tpm: tpm ?? null, parallel, models: models.length === 0 ? null : models },
  }
  return () => settings
}

/** Of an amount with six digits after the point at most. */
function millionthsOf(dollars: string): bigint {
  const [whole = '', fraction = ''] = dollars.split('.')
  return BigInt(whole) * millionths + BigInt(fraction.padEnd(6, '0'))
}
