import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { Dialog as Radix } from 'radix-ui'
import { useTranslation } from 'react-i18next'
import { type AppPage, areas } from './pages.ts'
import { usePaletteActions } from './palette-actions.ts'
import { usePalette } from './palette-state.ts'
import { usePagesFor } from './visible-pages.ts'

const close = () => usePalette.setState({ isOpen: false })

/** Every page and every thing that can be done, by a few letters of its name. */
export function Palette() {
  const { t } = useTranslation()
  const isOpen = usePalette(state => state.isOpen)
  return (
    <Radix.Root open={isOpen} onOpenChange={open => usePalette.setState({ isOpen: open })}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 bg-black/50" />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed top-[12vh] left-1/2 z-50 w-[calc(100%-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-lg border bg-popover text-popover-foreground"
        >
          <Radix.Title className="sr-only">{t('app.palette')}</Radix.Title>
          <Command label={t('app.palette')} loop>
            <Command.Input
              placeholder={t('app.palette')}
              className="h-12 w-full border-b bg-transparent px-4 text-base outline-none placeholder:text-muted-foreground"
            />
            <Command.List className="max-h-[50vh] overflow-y-auto p-2">
              <Command.Empty className="px-3 py-6 text-center text-muted-foreground">
                {t('app.paletteEmpty')}
              </Command.Empty>
              {areas.map(({ name }) => (
                <Pages key={name} name={name} />
              ))}
              <Actions />
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

const heading =
  '[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted-foreground'
const entry =
  'flex h-9 cursor-pointer items-center gap-2.5 rounded px-2 data-[selected=true]:bg-muted max-md:h-11 [&_svg]:size-4'

function Actions() {
  const { t } = useTranslation()
  const actions = usePaletteActions()
  return (
    <Command.Group heading={t('app.paletteActions')} className={heading}>
      {actions.map(({ name, icon: Icon, run }) => (
        <Command.Item
          key={name}
          value={name}
          className={entry}
          onSelect={() => {
            close()
            run()
          }}
        >
          <Icon aria-hidden />
          {name}
        </Command.Item>
      ))}
    </Command.Group>
  )
}

function Pages({ name }: { name: (typeof areas)[number]['name'] }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const pages = usePagesFor(name)
  const go = ({ path }: AppPage) => {
    close()
    void navigate({ to: path as '/' })
  }
  if (pages.length === 0) return null
  return (
    <Command.Group heading={t(`app.areas.${name}`)} className={heading}>
      {pages.map(page => (
        <Command.Item
          key={page.path}
          value={`${t(`app.areas.${name}`)} ${t(`app.pages.${page.name}`)}`}
          className={entry}
          onSelect={() => go(page)}
        >
          <page.icon aria-hidden className="text-muted-foreground" />
          {t(`app.pages.${page.name}`)}
        </Command.Item>
      ))}
    </Command.Group>
  )
}
