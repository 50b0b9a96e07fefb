import { z } from 'zod'

/** A whole number of any length: seeds have 64 bits, so JSON may round them. */
export const wholeNumber = z.number().refine(Number.isInteger, 'must be a whole number')
