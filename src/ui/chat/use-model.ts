import { useMemo } from 'react'
import { useConnection } from '../client/connection.ts'
import { usePreferences as useChoices } from '../client/preferences.ts'
import { useCanPay, useModels } from './models.ts'
import { usePreferences } from './preferences.ts'
import { chosenModel } from './rank.ts'

/** The model that answers: the chosen one, else the one nobody has to choose. */
export function useChosenModel(wanted: string | null) {
  const { models, isPending, error } = useModels()
  const { lastModel, pins } = usePreferences()
  const canPay = useCanPay()
  const isConnected = useConnection() !== undefined
  const startModel = useChoices(choices => choices.startModel)
  const last = startModel ?? lastModel
  const usual = useMemo(() => chosenModel(models, { last, pins, canPay }), [models, last, pins, canPay])
  const model = wanted ?? usual
  return {
    ...{ model, models },
    known: models.find(({ id }) => id === model),
    /** Nobody is there to ask. */
    isEmpty: !isConnected || (!isPending && error === null && models.length === 0),
  }
}
