/** One waiter, many notifiers: a notification while nobody waits is remembered, further ones cost nothing. */
export interface Wake {
  notify: () => void
  wait: () => Promise<void>
}

export function createWake(): Wake {
  let notified = false
  let waiter: (() => void) | undefined
  return {
    notify: () => {
      notified = true
      waiter?.()
    },
    wait: async () => {
      if (!notified) {
        await new Promise<void>(resolve => {
          waiter = resolve
        })
      }
      waiter = undefined
      notified = false
    },
  }
}
