import { Tooltip } from 'radix-ui'
import type { ReactNode } from 'react'
import { Keys } from './keys.tsx'

/** A word about the control that is pointed at or focused. */
export function Tip({ text, keys, children }: { text: string; keys?: string | undefined; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="z-50 flex max-w-72 items-center gap-2 rounded-md bg-foreground px-2 py-1 text-xs text-background"
        >
          {text}
          {keys && <Keys keys={keys} />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}

export const TipProvider = Tooltip.Provider
