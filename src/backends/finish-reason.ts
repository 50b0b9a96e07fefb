/** Reasons that go into events and receipts. Any other is the far side's own words, which stay in the answer. */
const known: ReadonlySet<unknown> = new Set(['stop', 'length', 'tool_calls', 'function_call', 'content_filter'])

/** Why an answer ended, by the first choice that says so; null while none does. */
export function finishReasonOf(choices: readonly { finish_reason?: unknown }[] | undefined): string | null {
  const reason = choices?.find(choice => choice.finish_reason != null)?.finish_reason
  if (reason == null) return null
  return known.has(reason) ? (reason as string) : 'other'
}
