/** What error codes mean to people, and what to do. */
export const codes = {
  backend_failed: {
    why: 'The provider could not be reached, or answered nonsense.',
    fix: 'Check its address and whether it runs; the URL usually ends with /v1.',
  },
  backend_refused: {
    why: 'The provider refused this node.',
    fix: 'Its key is missing, wrong or spent. Enter the key anew and check the plan there.',
  },
  model_failed: { why: 'The model broke while it answered.', fix: 'Try again, or add a second provider.' },
  stream_cut: { why: 'The answer ended too early.', fix: 'What arrived is incomplete; ask again.' },
  timeout: {
    why: 'It took longer than allowed.',
    fix: 'The model may be loading or overloaded. Try again, or raise its bound in the configuration.',
  },
  peer_unreachable: { why: 'The peer could not be dialled.', fix: 'It may be offline. The network page tests it.' },
  no_provider: {
    why: 'Everybody who has the model was asked, and nobody answered.',
    fix: 'The attempts say why each one failed. Add a provider or wait for a cool-down to end.',
  },
  model_not_found: {
    why: 'Nobody who can be reached has this model.',
    fix: 'Check the name under Models; a provider may be down or disabled.',
  },
  overloaded: { why: 'There was no room for another request.', fix: 'Wait a moment, or add capacity.' },
  rate_limited: { why: 'Too many requests in a short time.', fix: 'Wait, or raise the limits of the key.' },
  budget_exceeded: {
    why: 'The budget of the key, project, user or node is spent.',
    fix: 'Raise the budget, or wait for its next window.',
  },
  cancelled: { why: 'The app left before the answer was complete.', fix: 'Nothing is wrong here: it was meant.' },
  context_length_exceeded: {
    why: 'Prompt and answer are longer than the model can hold.',
    fix: 'Send less, lower max_tokens, or choose a model with a longer context.',
  },
  invalid_request: { why: 'The request is malformed.', fix: 'The app has to correct the field that was named.' },
  unauthorized: { why: 'The API key is missing, unknown or revoked.', fix: 'Give the app a new key.' },
  forbidden: { why: 'The caller may not do this.', fix: 'Use a key that may ask for this model.' },
  not_found: { why: 'There is no such path or thing.', fix: 'Check the path the app calls; it may be closed.' },
  unsupported: { why: 'The provider cannot do what was asked.', fix: 'Leave the option out or choose another model.' },
  payment_required: { why: 'The peer wants to be paid.', fix: 'Deposit money under Wallet.' },
  insufficient_funds: { why: 'The escrow does not cover the call.', fix: 'Deposit money under Wallet.' },
  spending_cap: { why: 'A spending cap was reached.', fix: 'Raise the cap in the configuration, or wait.' },
  price_too_high: {
    why: 'It would have cost more than the caller allows.',
    fix: 'Allow more, or choose a cheaper model.',
  },
  chain_unavailable: { why: 'No RPC endpoint of the chain answers.', fix: 'Check chain.rpcUrls in the configuration.' },
  wallet_locked: { why: 'The wallet is locked.', fix: 'Unlock it under Wallet.' },
  stopping: { why: 'The node was shutting down.', fix: 'Ask again; it is back.' },
  too_large: { why: 'The request is too large.', fix: 'Send less, or raise the limit in the configuration.' },
  too_slow: { why: 'The request arrived too slowly.', fix: 'The app has to send it faster.' },
  internal: { why: 'Something failed that nobody foresaw.', fix: 'Look into the logs with the id of the request.' },
}
