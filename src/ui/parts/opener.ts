/** Where the focus goes back to when what was opened is closed. */

let ofMenu: HTMLElement | undefined

/** To be called with what was chosen in a menu: its button, as the menu itself is about to be gone. */
export function noteMenu(item: Element): void {
  const id = item.closest('[role=menu]')?.getAttribute('aria-labelledby')
  ofMenu = id == null ? undefined : (document.getElementById(id) ?? undefined)
}

/** What had the focus when something opens. */
export function openerNow(): HTMLElement | undefined {
  const { activeElement: active } = document
  const button = ofMenu
  ofMenu = undefined
  const isOutside = active instanceof HTMLElement && active !== document.body && active.closest('[role=menu]') === null
  return isOutside ? active : button
}

/** What is gone by now cannot have it; then it is the page. */
export function focusAgain(opener: HTMLElement | undefined): void {
  const target = opener?.isConnected ? opener : document.getElementById('content')
  target?.focus()
}
