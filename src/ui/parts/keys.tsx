const isMac = /mac/i.test(navigator.platform)
const signs = { Slash: '/', Backslash: '\\', Comma: ',', Period: '.', Minus: '-', Equal: '=', Space: '␣' }
const names: Readonly<Record<string, string>> = isMac
  ? { $mod: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↵', Escape: 'esc', ...signs }
  : { $mod: 'Ctrl', Escape: 'Esc', ...signs }

/** `$mod+Shift+k` as this machine writes it. */
export function Keys({ keys }: { keys: string }) {
  return (
    <kbd className="inline-flex gap-0.5 font-sans text-[0.6875rem]">
      {keys.split('+').map(key => (
        <span key={key} className="rounded border border-current/30 px-1">
          {names[key] ?? (key.length === 1 ? key.toUpperCase() : key)}
        </span>
      ))}
    </kbd>
  )
}
