// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Who sells inference, where they are reached, and what they have at stake
/// @notice The registry is immutable and has no owner. A provider is an address with a stake. Everything a user node
/// needs to dial and judge providers is read in pages, one `eth_call` a page, and nothing here grows without a bound
/// that the reader or the provider chose.
///
/// What an entry says is a claim, not a proof. Nothing stops somebody from registering with the endpoint or the peer id
/// of another provider, and it gains them nothing: the transport proves who owns the peer id, and that peer signs its
/// quotes with the signer of its own entry, so the copy never matches. Uniqueness on chain would only let a squatter
/// lock the real owner out.
interface IProviderRegistry {
    /// @notice One provider, as a user node reads it.
    /// @param provider The account that registered: its name everywhere in the protocol.
    /// @param signer The key that signs this provider's quotes and receipts.
    /// @param payout Where the escrow sends what this provider claims.
    /// @param stake Tokens locked, still locked while an exit is pending.
    /// @param exitAt Unix seconds from which `withdraw` works, 0 while no exit was requested.
    /// @param peerId The raw 32-byte Ed25519 public key behind the libp2p peer id, 0 for a provider reached by https.
    /// @param endpoint A multiaddr or an https URL. Written by the provider: parse it as hostile input.
    /// @param offerCount How many offers the provider lists.
    struct ProviderView {
        address provider;
        address signer;
        address payout;
        uint96 stake;
        uint40 exitAt;
        bytes32 peerId;
        string endpoint;
        uint8 offerCount;
    }

    /// @notice A list price, as the provider writes it. The signed quote decides; the offer is what the quote should be.
    /// @param modelId Hash of the model's canonical manifest. Content addressed, so no name can be squatted.
    /// @param priceIn Smallest token units for 1,000,000 input tokens.
    /// @param priceOut Smallest token units for 1,000,000 output tokens.
    /// @param context Longest context served, in tokens.
    /// @param capabilities Bit set: 0 chat, 1 completions, 2 embeddings, 3 images, 4 transcription, 5 speech, 6 tools,
    /// 7 vision, 8 structured output, 9 reasoning. The others are unassigned and must be ignored.
    /// @param expiry Unix seconds after which the offer no longer stands.
    struct OfferInput {
        bytes32 modelId;
        uint80 priceIn;
        uint80 priceOut;
        uint24 context;
        uint16 capabilities;
        uint40 expiry;
    }

    /// @notice A list price, as a user node reads it. See `OfferInput` for the shared fields.
    /// @param version Counts the changes of this offer, modulo 256, starting at 1.
    struct OfferView {
        bytes32 modelId;
        uint80 priceIn;
        uint80 priceOut;
        uint24 context;
        uint16 capabilities;
        uint40 expiry;
        uint8 version;
    }

    /// @notice A new provider stands in the registry.
    event Registered(
        address indexed provider, address signer, address payout, bytes32 peerId, string endpoint, uint256 stake
    );

    /// @notice A provider changed how it is reached, signs or is paid.
    event Updated(address indexed provider, address signer, address payout, bytes32 peerId, string endpoint);

    /// @notice A provider added to its stake, which is now `stake`.
    event ToppedUp(address indexed provider, uint256 amount, uint256 stake);

    /// @notice A provider is leaving: its stake can be withdrawn from `exitAt` on.
    event ExitRequested(address indexed provider, uint256 exitAt);

    /// @notice A provider left and took its stake.
    event Withdrawn(address indexed provider, uint256 stake);

    /// @notice A provider listed or repriced these models. Read the new prices with `offers`.
    event OffersSet(address indexed provider, bytes32[] modelIds);

    /// @notice A provider took these models off its list.
    event OffersRemoved(address indexed provider, bytes32[] modelIds);

    /// @notice The token address given at deployment holds no code.
    error TokenInvalid(address token);

    /// @notice The unbonding time given at deployment is zero or beyond the maximum.
    error UnbondingInvalid(uint256 seconds_);

    /// @notice The caller already stands in the registry: use `update` or `topUp`.
    error AlreadyRegistered(address provider);

    /// @notice There is no such provider in the registry: `register` first.
    error NotRegistered(address provider);

    /// @notice The endpoint is empty or longer than `ENDPOINT_BYTES_MAX`.
    error EndpointInvalid(uint256 length);

    /// @notice The signer is the zero address.
    error SignerInvalid();

    /// @notice The payout is the zero address.
    error PayoutInvalid();

    /// @notice The stake is below `minStake`.
    error StakeTooLow(uint256 stake, uint256 minimum);

    /// @notice The amount is zero or beyond what an entry can hold.
    error AmountInvalid(uint256 amount);

    /// @notice The token moved another amount than asked: fee-on-transfer and rebasing tokens are not supported.
    error TokenUnsupported(uint256 expected, uint256 received);

    /// @notice An exit is pending: what was asked for is closed to a provider that is leaving.
    error ExitPending(uint256 exitAt);

    /// @notice No exit was requested: `requestExit` first.
    error ExitNotRequested();

    /// @notice The stake is still unbonding: try again at `exitAt`.
    error StillUnbonding(uint256 exitAt);

    /// @notice The offer would be over before it began.
    error OfferExpired(bytes32 modelId, uint256 expiry);

    /// @notice The provider would list more than `OFFERS_MAX` offers.
    error TooManyOffers();

    /// @notice The provider does not list this model.
    error OfferUnknown(bytes32 modelId);

    /// @notice Lock `stake` and stand in the registry. Needs an allowance of `stake` to this contract.
    /// @dev A provider that left may register again. Offers outlive a registration: call `removeOffers` before leaving
    /// if they should not stand again.
    function register(string calldata endpoint, bytes32 peerId, address signer, address payout, uint256 stake) external;

    /// @notice `register` with an EIP-2612 permit instead of an allowance.
    /// @dev A permit somebody else submitted first is no failure: only the allowance counts.
    function registerWithPermit(
        string calldata endpoint,
        bytes32 peerId,
        address signer,
        address payout,
        uint256 stake,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Replace endpoint, peer id, signer and payout of the caller. Possible while leaving, so that a provider
    /// whose payout was blocked can still be paid.
    function update(string calldata endpoint, bytes32 peerId, address signer, address payout) external;

    /// @notice Add to the caller's stake. Needs an allowance of `amount`.
    function topUp(uint256 amount) external;

    /// @notice Begin to leave. The stake stays locked, and slashable by a future slasher, for the unbonding time.
    function requestExit() external;

    /// @notice Take the stake home once the unbonding time is over, and leave the registry.
    function withdraw() external;

    /// @notice List models, or change their price. All or nothing.
    function setOffers(OfferInput[] calldata inputs) external;

    /// @notice Take models off the list. All or nothing.
    function removeOffers(bytes32[] calldata modelIds) external;

    /// @notice A page of the registry.
    /// @dev Pages run from the newest entry to the oldest. An entry that leaves is replaced by the newest, which was
    /// read already, so a reader walking over several blocks may see a provider twice but never misses one that was
    /// there all along.
    /// @param cursor 0 for the first page, then the `nextCursor` of the page before.
    /// @param limit Entries wanted, at most `PAGE_MAX`; 0 asks for `PAGE_MAX`.
    /// @return page The entries.
    /// @return nextCursor 0 when this was the last page.
    function providers(uint256 cursor, uint256 limit)
        external
        view
        returns (ProviderView[] memory page, uint256 nextCursor);

    /// @notice One entry. Reverts with `NotRegistered` when there is none.
    function provider(address account) external view returns (ProviderView memory);

    /// @notice How many providers stand in the registry.
    function providerCount() external view returns (uint256);

    /// @notice Where a provider is paid, 0 when it is not in the registry.
    function payoutOf(address account) external view returns (address);

    /// @notice A page of a provider's offers, expired ones included, newest first. Cursor and limit as in `providers`.
    function offers(address account, uint256 cursor, uint256 limit)
        external
        view
        returns (OfferView[] memory page, uint256 nextCursor);

    /// @notice One offer. Reverts with `OfferUnknown` when the provider does not list the model.
    function offer(address account, bytes32 modelId) external view returns (OfferView memory);

    /// @notice The token stakes are made of.
    function token() external view returns (IERC20);

    /// @notice The least a provider must lock to register, fixed at deployment.
    function minStake() external view returns (uint256);

    /// @notice Seconds between `requestExit` and `withdraw`, fixed at deployment.
    function unbonding() external view returns (uint256);

    /// @notice Longest endpoint, in bytes.
    function ENDPOINT_BYTES_MAX() external view returns (uint256);

    /// @notice Most offers of one provider.
    function OFFERS_MAX() external view returns (uint256);

    /// @notice Most entries of one page.
    function PAGE_MAX() external view returns (uint256);
}
