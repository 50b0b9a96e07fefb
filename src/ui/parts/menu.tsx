import { Check } from 'lucide-react'
import { DropdownMenu, Popover as RadixPopover } from 'radix-ui'
import type { ComponentType, ReactNode } from 'react'
import { cn } from './class.ts'
import { Keys } from './keys.tsx'
import { noteMenu } from './opener.ts'

export interface MenuItem {
  label: string
  icon?: ComponentType<{ className?: string }>
  keys?: string
  isDangerous?: boolean
  isDisabled?: boolean
  isChecked?: boolean
  onSelect: () => void
}

const surface =
  'z-50 min-w-44 max-h-[min(26rem,var(--radix-popper-available-height))] overflow-y-auto rounded-md border border-border bg-popover p-1 text-popover-foreground'

/** What can be done with something. `null` draws a line. */
export function Menu({
  items,
  align = 'end',
  children,
}: {
  items: readonly (MenuItem | null)[]
  align?: 'start' | 'end'
  children: ReactNode
}) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>{children}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align={align} sideOffset={4} collisionPadding={8} className={surface}>
          {items.map((item, at) =>
            item === null ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name
              <DropdownMenu.Separator key={at} className="my-1 h-px bg-border" />
            ) : (
              <DropdownMenu.Item
                key={item.label}
                disabled={item.isDisabled}
                onSelect={({ currentTarget }) => {
                  noteMenu(currentTarget as Element)
                  item.onSelect()
                }}
                className={cn(
                  'flex min-h-8 cursor-pointer items-center gap-2 rounded px-2 py-1.5 outline-none select-none data-[disabled]:cursor-not-allowed data-[disabled]:opacity-50 data-[highlighted]:bg-muted [&_svg]:size-4',
                  item.isDangerous && 'text-destructive',
                )}
              >
                {item.icon && <item.icon aria-hidden />}
                <span className="flex-1">{item.label}</span>
                {item.isChecked && <Check aria-hidden />}
                {item.keys && <Keys keys={item.keys} />}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface PopoverProps {
  trigger: ReactNode
  label: string
  isOpen?: boolean
  onOpenChange?: (isOpen: boolean) => void
  align?: 'start' | 'center' | 'end'
  side?: 'top' | 'bottom'
  className?: string
  children: ReactNode
}

export function Popover(props: PopoverProps) {
  const { trigger, label, isOpen, onOpenChange, align = 'start', side = 'bottom', className, children } = props
  return (
    <RadixPopover.Root {...(isOpen !== undefined && { open: isOpen })} {...(onOpenChange && { onOpenChange })}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content
          aria-label={label}
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className={cn(
            'z-50 max-h-(--radix-popover-content-available-height) w-[min(26rem,calc(100vw-1rem))] overflow-y-auto rounded-lg border border-border bg-popover p-3 text-popover-foreground',
            className,
          )}
        >
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  )
}
