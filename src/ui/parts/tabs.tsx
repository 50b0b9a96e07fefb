import { Tabs as Radix } from 'radix-ui'
import { type ReactNode, useEffect, useRef } from 'react'

export interface Tab {
  id: string
  label: ReactNode
  content: ReactNode
}

/** So much of the tab before stays in view. */
const edgePx = 48

export function Tabs({
  label,
  tabs,
  value,
  onChange,
}: {
  label: string
  tabs: readonly Tab[]
  value?: string
  onChange?: (id: string) => void
}) {
  const list = useRef<HTMLDivElement>(null)
  // On a phone the tab an address names may be beyond the edge.
  const at = tabs.findIndex(({ id }) => id === value)
  useEffect(() => {
    const shown = list.current?.children[at]
    if (shown instanceof HTMLElement) list.current?.scrollTo({ left: shown.offsetLeft - edgePx })
  }, [at])
  return (
    <Radix.Root
      className="min-w-0"
      {...(value !== undefined ? { value, onValueChange: onChange } : { defaultValue: tabs[0]?.id })}
    >
      <Radix.List ref={list} aria-label={label} className="relative mb-4 flex gap-1 overflow-x-auto border-b">
        {tabs.map(({ id, label: name }) => (
          <Radix.Trigger
            key={id}
            value={id}
            className="-mb-px rounded-t border-b-2 border-transparent px-3 py-2 font-medium focus-visible:outline-offset-[-2px] max-md:min-h-11 whitespace-nowrap text-muted-foreground data-[state=active]:border-primary data-[state=active]:text-foreground"
          >
            {name}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map(({ id, content }) => (
        <Radix.Content key={id} value={id} className="focus-visible:outline-none">
          {content}
        </Radix.Content>
      ))}
    </Radix.Root>
  )
}
