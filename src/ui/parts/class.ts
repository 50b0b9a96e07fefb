import { type ClassValue, clsx } from 'clsx'
import { twMerge } from 'tailwind-merge'

/** Class names, the later winning where two say the same thing. */
export function cn(...names: ClassValue[]): string {
  return twMerge(clsx(names))
}
