/**
 * The custom errors of the contracts in words: what is the case and what to do. A name in braces stands for the
 * argument of that name. What is missing here is told by its Solidity name and arguments.
 */
export const revertWords: Readonly<Record<string, string>> = {
  // both
  AmountInvalid: 'the amount {amount} is zero or more than an account can hold',
  TokenUnsupported: 'the token moved {received} instead of {expected}; tokens that take a fee are not supported',
  SignerInvalid: 'this session key cannot be used; after a withdrawal the next deposit needs a new one',
  // escrow
  SignerMismatch: 'the account is open with the session key {current}; deposit naming that one',
  AccountClosed: 'the account of {payer} is closed; deposit first',
  EpochsExhausted: 'the account of {payer} was closed 255 times; use another address',
  SignatureInvalid: 'the signature is not by the session key of the payer',
  NothingToReserve: '{covered} is covered already; reserve more than that',
  FreeTooLow: '{free} is free and {needed} are needed; deposit first',
  NothingReserved: 'nothing is reserved that could be released',
  ExitPending: 'an exit is pending until {exitAt}; wait for it',
  ExitNotRequested: 'no exit was requested; request it first',
  ExitNotReady: 'the exit delay is not over; try again at {exitAt}',
  NothingToWithdraw: 'there is nothing to withdraw',
  RotationNotRequested: 'no new session key was requested',
  RotationNotReady: 'the rotation delay is not over; try again at {readyAt}',
  // registry
  AlreadyRegistered: '{provider} is registered already; update the entry or add stake',
  NotRegistered: '{provider} is not registered; register first',
  EndpointInvalid: 'the endpoint has {length} bytes; 1 to 255 are allowed',
  PayoutInvalid: 'the payout address is zero; name one',
  StakeTooLow: 'the stake is {stake}, the registry asks {minimum}; stake more',
  StillUnbonding: 'the stake is bound until {exitAt}; try again then',
  OfferExpired: 'the offer of {modelId} expired at {expiry}; give a later time',
  TooManyOffers: 'there would be more than 255 offers; remove some',
  OfferUnknown: 'there is no offer of {modelId}',
  // token
  ERC20InsufficientBalance: '{sender} holds {balance} and needs {needed}; fund it first',
  ERC20InsufficientAllowance: '{spender} may take {allowance} and needs {needed}; approve more',
}

/** Custom errors that mean something to more than the reader. */
export const revertCodes: Readonly<Record<string, 'stake_too_low' | 'insufficient_funds'>> = {
  StakeTooLow: 'stake_too_low',
  FreeTooLow: 'insufficient_funds',
  ERC20InsufficientBalance: 'insufficient_funds',
}
