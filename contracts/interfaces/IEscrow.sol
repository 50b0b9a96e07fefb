// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IProviderRegistry} from "./IProviderRegistry.sol";

/// @title One account per user, paying every provider
/// @notice A payer deposits once and names a session key. The session key signs vouchers off chain; providers claim
/// them in batches whenever it suits them. A prompt costs no gas. The escrow is immutable, has no owner, takes no fee
/// and holds one plain ERC-20.
///
/// Money of a payer is either *free*, open to whichever provider claims first, or *reserved* for one provider, which
/// nobody else can touch. A provider that works above what is reserved for it gives credit.
///
/// **The counter.** A voucher names the total a payer owes a provider over the whole life of the pair. `claimed` is the
/// part of it paid so far. It only ever grows, is never deleted, and goes on counting through exits: the first voucher
/// of a new epoch starts above `claimed`. A voucher is bound to chain, escrow, payer, provider and epoch, so what was
/// signed before a withdrawal is worth nothing after it.
///
/// **Leaving.** A payer requests an exit, waits `exitDelay`, and withdraws. During the wait nothing new can be reserved
/// and every voucher stays claimable: providers have `exitDelay` seconds to notice and claim. Changing the session key
/// waits as long, for the same reason.
interface IEscrow {
    /// @notice One voucher to be claimed.
    /// @param payer Who owes.
    /// @param cumulative The voucher's total.
    /// @param r Half of an EIP-2098 compact signature by the payer's session key.
    /// @param vs The other half; low-s only.
    struct ClaimRow {
        address payer;
        uint128 cumulative;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice A reservation a payer makes itself.
    /// @param provider For whom.
    /// @param cumulative Vouchers up to this total shall be payable with certainty.
    struct ReserveRow {
        address provider;
        uint128 cumulative;
    }

    /// @notice Everything a provider must know of one payer before it gives credit.
    /// @param payer The payer asked for.
    /// @param signer The session key, 0 when the account is closed.
    /// @param free What any provider may claim.
    /// @param epoch The epoch vouchers must name.
    /// @param exitAt Unix seconds from which the payer can withdraw, 0 when no exit was requested.
    /// @param nextSigner The session key being rotated in, 0 when none is.
    /// @param nextSignerAt Unix seconds from which the rotation can be finished, 0 when none is.
    /// @param claimed Total this provider was paid by the payer, ever.
    /// @param reserved What only this provider may claim.
    /// @param releases How often this provider released its reservation: reservations to sign must name it.
    struct Position {
        address payer;
        address signer;
        uint256 free;
        uint64 epoch;
        uint64 exitAt;
        address nextSigner;
        uint64 nextSignerAt;
        uint128 claimed;
        uint128 reserved;
        uint32 releases;
    }

    /// @notice Why a row of a batch was passed over.
    /// @dev `Signature`: not by the payer's current session key for the current epoch. `Stale`: the total is not above
    /// `claimed`. `Unfunded`: the payer has neither reserved nor free money left; try again after its next deposit.
    enum SkipReason {
        Signature,
        Stale,
        Unfunded
    }

    /// @notice `payer` deposited `amount`; vouchers of `epoch` are signed by `signer`.
    event Deposited(address indexed payer, address indexed signer, uint256 amount, uint256 epoch);

    /// @notice `amount` of the payer's free money is now reserved for the provider.
    event Reserved(address indexed payer, address indexed provider, uint256 amount);

    /// @notice The provider gave its reservation back.
    event Released(address indexed payer, address indexed provider, uint256 amount);

    /// @notice `paid` went from payer to provider, in all `claimed` so far.
    event Claimed(address indexed payer, address indexed provider, uint256 paid, uint256 claimed);

    /// @notice A row of a batch was passed over.
    event ClaimSkipped(address indexed payer, address indexed provider, uint256 cumulative, SkipReason reason);

    /// @notice The payer can withdraw from `exitAt` on. Providers: claim before.
    event ExitRequested(address indexed payer, uint256 exitAt);

    /// @notice The payer took `amount` home; `epoch` is the next one.
    event Withdrawn(address indexed payer, uint256 amount, uint256 epoch);

    /// @notice The session key will become `signer` from `readyAt` on. Providers: claim before.
    event RotationRequested(address indexed payer, address indexed signer, uint256 readyAt);

    /// @notice The session key is now `signer`.
    event SignerRotated(address indexed payer, address indexed signer);

    /// @notice An address given at deployment holds no code.
    error ContractInvalid(address target);

    /// @notice The exit delay given at deployment is zero or beyond the maximum.
    error ExitDelayInvalid(uint256 seconds_);

    /// @notice The amount is zero, or the account would hold more than 2^88 - 1.
    error AmountInvalid(uint256 amount);

    /// @notice The token moved another amount than asked: fee-on-transfer and rebasing tokens are not supported.
    error TokenUnsupported(uint256 expected, uint256 received);

    /// @notice The session key is zero, or not new where it has to be.
    error SignerInvalid(address signer);

    /// @notice The account is open with another session key: deposit naming `current`, or rotate.
    error SignerMismatch(address signer, address current);

    /// @notice The account is closed: `deposit` first.
    error AccountClosed(address payer);

    /// @notice The account was closed 255 times: use another address.
    error EpochsExhausted(address payer);

    /// @notice The signature is not by the payer's session key, or not for this payer, provider, epoch and release.
    error SignatureInvalid();

    /// @notice Claims and reservation already cover this total.
    error NothingToReserve(uint256 covered);

    /// @notice The payer has less free money than the reservation needs.
    error FreeTooLow(uint256 free, uint256 needed);

    /// @notice There is no reservation to release.
    error NothingReserved();

    /// @notice An exit is pending: nothing new can be reserved, and it needs no second request.
    error ExitPending(uint256 exitAt);

    /// @notice No exit was requested: `requestExit` first.
    error ExitNotRequested();

    /// @notice The exit delay is not over: try again at `exitAt`.
    error ExitNotReady(uint256 exitAt);

    /// @notice There is nothing to withdraw.
    error NothingToWithdraw();

    /// @notice No rotation was requested in this epoch.
    error RotationNotRequested();

    /// @notice The rotation delay is not over: try again at `readyAt`.
    error RotationNotReady(uint256 readyAt);

    /// @notice Add `amount` to the caller's free money. Needs an allowance.
    /// @param signer The session key: any on the first deposit, the current one on a top-up, and one that is not the
    /// last one on the first deposit after a withdrawal. Only an EOA key makes sense: vouchers are plain ECDSA.
    function deposit(uint256 amount, address signer) external;

    /// @notice `deposit` with an EIP-2612 permit instead of an allowance.
    /// @dev A permit somebody else submitted first is no failure: only the allowance counts.
    function depositWithPermit(uint256 amount, address signer, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Deposit for `payer` by its EIP-3009 authorization. Anyone may submit it, so the payer needs no gas.
    /// @dev The nonce the payer signs is `authorizationNonce(payer, signer, salt)`: a relayer cannot change the session
    /// key, and the token sees to it that nobody but this contract can use the authorization.
    function depositWithAuthorization(
        address payer,
        uint256 amount,
        address signer,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice `deposit`, then reserve for several providers out of the caller's free money, in one transaction.
    function depositAndReserve(uint256 amount, address signer, ReserveRow[] calldata rows) external;

    /// @notice Reserve a payer's free money for the caller, a provider, by a reservation the session key signed.
    /// @dev The total counts like a voucher's: afterwards vouchers up to `cumulative` are payable with certainty.
    function reserve(address payer, uint128 cumulative, bytes32 r, bytes32 vs) external;

    /// @notice Give the caller's reservation back to the payer's free money, at once: a cooperative close.
    /// @dev Signed reservations end with it; the same signature cannot reserve again.
    function release(address payer) external;

    /// @notice Pay a provider what these vouchers say. Anyone may submit; the money goes to the payout address of the
    /// registry, or to the provider itself when it is not registered.
    /// @dev Draws on the reservation first, then on free money. A row that cannot be paid is skipped, with an event,
    /// and never spoils the others. A row that can be paid in part is, and the rest stays claimable. One transfer.
    /// @return paid The sum transferred.
    /// @return skipped How many rows were passed over.
    function claim(address provider, ClaimRow[] calldata rows) external returns (uint256 paid, uint256 skipped);

    /// @notice Begin to close the caller's account. Vouchers stay claimable until `withdraw`.
    function requestExit() external;

    /// @notice Close the caller's account once the exit delay is over: takes home free money and what is reserved for
    /// the `providers` listed, ends the epoch, and forgets the session key.
    /// @dev The caller names the providers so that no loop is longer than the caller wants. A reservation left out is
    /// not lost: call again, at any time while the account is closed. In an account opened again it simply still
    /// stands, reserved for the same provider, under the new epoch. `Reserved` events tell which exist.
    function withdraw(address[] calldata providers) external;

    /// @notice Begin to replace the caller's session key. A second request replaces the first and starts anew.
    function requestRotation(address signer) external;

    /// @notice Finish a rotation once the exit delay is over. Anyone may, so a provider need not guess which key counts.
    function rotate(address payer) external;

    /// @notice Session key and free money of a payer. A closed account has the zero address as its key.
    function account(address payer) external view returns (address signer, uint256 free);

    /// @notice What a provider was paid ever, what is reserved for it, and how often it released.
    function pair(address payer, address provider)
        external
        view
        returns (uint128 claimed, uint128 reserved, uint32 releases);

    /// @notice When a payer can withdraw, 0 for no exit requested, and the epoch its vouchers must name.
    function exit(address payer) external view returns (uint64 readyAt, uint64 epoch);

    /// @notice The session key being rotated in and when it can be, zeros when none is.
    function rotation(address payer) external view returns (address signer, uint64 readyAt);

    /// @notice All a provider must know of many payers, in one call. Bounded by the list the caller gives.
    function positions(address provider, address[] calldata payers) external view returns (Position[] memory);

    /// @notice The EIP-712 digest of `Voucher(address payer,address provider,uint64 epoch,uint128 cumulative)`.
    function voucherDigest(address payer, address provider, uint64 epoch, uint128 cumulative)
        external
        view
        returns (bytes32);

    /// @notice The EIP-712 digest of
    /// `Reservation(address payer,address provider,uint64 epoch,uint32 releases,uint128 cumulative)`.
    function reservationDigest(address payer, address provider, uint64 epoch, uint32 releases, uint128 cumulative)
        external
        view
        returns (bytes32);

    /// @notice The EIP-3009 nonce that binds a deposit to payer and session key:
    /// `keccak256(abi.encode(payer, signer, salt))` with the low 64 bits cleared.
    function authorizationNonce(address payer, address signer, bytes32 salt) external pure returns (bytes32);

    /// @notice The EIP-712 domain separator: name "Parley", version "1", this chain, this contract.
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    /// @notice The token held.
    function token() external view returns (IERC20);

    /// @notice Where payout addresses are looked up.
    function registry() external view returns (IProviderRegistry);

    /// @notice Seconds between request and execution of an exit or a rotation, fixed at deployment.
    function exitDelay() external view returns (uint256);
}
