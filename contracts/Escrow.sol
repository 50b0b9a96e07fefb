// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {Vouchers} from "./Vouchers.sol";
import {IEscrow} from "./interfaces/IEscrow.sol";
import {IProviderRegistry} from "./interfaces/IProviderRegistry.sol";

/// @title Escrow
/// @notice As specified by `IEscrow`.
contract Escrow is IEscrow, Vouchers, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// One slot, the only one of a payer a claim reads. The account is open while it has a signer.
    struct Account {
        address signer;
        uint8 epoch;
        uint88 free;
    }

    /// One slot.
    struct Pair {
        uint128 claimed;
        uint96 reserved;
        uint32 releases;
    }

    /// One slot. The last signer outlives the exit, to be refused when the account opens again.
    struct Exit {
        address lastSigner;
        uint40 readyAt;
    }

    /// One slot. It names its epoch so that a rotation cannot lie in wait across a withdrawal.
    struct Rotation {
        address signer;
        uint40 readyAt;
        uint8 epoch;
    }

    /// Tokens with keyed nonces read the low 64 bits as a sequence number, and the first in a fresh key is 0.
    bytes32 private constant NONCE_MASK = ~bytes32(uint256(type(uint64).max));
    uint256 private constant EXIT_DELAY_SECONDS_MAX = 90 days;

    /// @inheritdoc IEscrow
    IERC20 public immutable token;

    /// @inheritdoc IEscrow
    IProviderRegistry public immutable registry;

    /// @inheritdoc IEscrow
    uint256 public immutable exitDelay;

    mapping(address payer => Account) private _accounts;
    mapping(address provider => mapping(address payer => Pair)) private _pairs;
    mapping(address payer => Exit) private _exits;
    mapping(address payer => Rotation) private _rotations;

    constructor(IERC20 token_, IProviderRegistry registry_, uint256 exitDelay_) {
        if (address(token_).code.length == 0) revert ContractInvalid(address(token_));
        if (address(registry_).code.length == 0) revert ContractInvalid(address(registry_));
        if (exitDelay_ == 0 || exitDelay_ > EXIT_DELAY_SECONDS_MAX) revert ExitDelayInvalid(exitDelay_);
        token = token_;
        registry = registry_;
        exitDelay = exitDelay_;
    }

    /// @inheritdoc IEscrow
    function deposit(uint256 amount, address signer) external nonReentrant {
        _credit(msg.sender, amount, signer);
        _pull(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function depositWithPermit(uint256 amount, address signer, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
    {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _credit(msg.sender, amount, signer);
        _pull(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
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
    ) external nonReentrant {
        _credit(payer, amount, signer);
        uint256 before = token.balanceOf(address(this));
        bytes32 nonce = authorizationNonce(payer, signer, salt);
        IERC3009(address(token))
            .receiveWithAuthorization(payer, address(this), amount, validAfter, validBefore, nonce, v, r, s);
        _requireReceived(before, amount);
    }

    /// @inheritdoc IEscrow
    function depositAndReserve(uint256 amount, address signer, ReserveRow[] calldata rows) external nonReentrant {
        _requireStaying(msg.sender);
        _credit(msg.sender, amount, signer);
        for (uint256 i; i < rows.length; ++i) {
            _reserve(msg.sender, rows[i].provider, rows[i].cumulative);
        }
        _pull(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function reserve(address payer, uint128 cumulative, bytes32 r, bytes32 vs) external {
        _requireStaying(payer);
        Account storage from = _open(payer);
        uint32 releases = _pairs[msg.sender][payer].releases;
        bytes32 digest = _reservationDigest(payer, msg.sender, from.epoch, releases, cumulative);
        if (!_signedBy(from.signer, digest, r, vs)) revert SignatureInvalid();
        _reserve(payer, msg.sender, cumulative);
    }

    /// @inheritdoc IEscrow
    function release(address payer) external {
        Account storage to = _open(payer);
        Pair storage both = _pairs[msg.sender][payer];
        uint96 amount = both.reserved;
        if (amount == 0) revert NothingReserved();
        if (amount > type(uint88).max - to.free) revert AmountInvalid(amount);
        both.reserved = 0;
        ++both.releases;
        to.free += uint88(amount);
        emit Released(payer, msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function claim(address provider, ClaimRow[] calldata rows)
        external
        nonReentrant
        returns (uint256 paid, uint256 skipped)
    {
        bytes32 separator = _domainSeparatorV4();
        mapping(address payer => Pair) storage pairs = _pairs[provider];
        for (uint256 i; i < rows.length; ++i) {
            uint256 part = _claimRow(separator, provider, pairs, rows[i]);
            if (part == 0) ++skipped;
            paid += part;
        }
        if (paid != 0) token.safeTransfer(_payoutOf(provider), paid);
    }

    /// @inheritdoc IEscrow
    function requestExit() external {
        _open(msg.sender);
        _requireStaying(msg.sender);
        uint40 readyAt = uint40(block.timestamp + exitDelay);
        _exits[msg.sender].readyAt = readyAt;
        emit ExitRequested(msg.sender, readyAt);
    }

    /// @inheritdoc IEscrow
    function withdraw(address[] calldata providers) external nonReentrant {
        Account storage from = _accounts[msg.sender];
        uint256 amount = _unreserve(providers);
        if (from.signer != address(0)) amount += _close(from);
        else if (amount == 0) revert NothingToWithdraw();
        emit Withdrawn(msg.sender, amount, from.epoch);
        if (amount != 0) token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function requestRotation(address signer) external {
        Account storage of_ = _open(msg.sender);
        if (signer == address(0) || signer == of_.signer) revert SignerInvalid(signer);
        uint40 readyAt = uint40(block.timestamp + exitDelay);
        _rotations[msg.sender] = Rotation({signer: signer, readyAt: readyAt, epoch: of_.epoch});
        emit RotationRequested(msg.sender, signer, readyAt);
    }

    /// @inheritdoc IEscrow
    function rotate(address payer) external {
        Account storage of_ = _open(payer);
        Rotation memory next = _rotations[payer];
        if (next.readyAt == 0 || next.epoch != of_.epoch) revert RotationNotRequested();
        if (block.timestamp < next.readyAt) revert RotationNotReady(next.readyAt);
        of_.signer = next.signer;
        delete _rotations[payer];
        emit SignerRotated(payer, next.signer);
    }

    /// @inheritdoc IEscrow
    function account(address payer) external view returns (address signer, uint256 free) {
        return (_accounts[payer].signer, _accounts[payer].free);
    }

    /// @inheritdoc IEscrow
    function pair(address payer, address provider)
        external
        view
        returns (uint128 claimed, uint128 reserved, uint32 releases)
    {
        Pair storage both = _pairs[provider][payer];
        return (both.claimed, both.reserved, both.releases);
    }

    /// @inheritdoc IEscrow
    function exit(address payer) external view returns (uint64 readyAt, uint64 epoch) {
        return (_exits[payer].readyAt, _accounts[payer].epoch);
    }

    /// @inheritdoc IEscrow
    function positions(address provider, address[] calldata payers) external view returns (Position[] memory page) {
        page = new Position[](payers.length);
        for (uint256 i; i < payers.length; ++i) {
            page[i] = _position(payers[i], provider);
        }
    }

    /// @inheritdoc IEscrow
    function voucherDigest(address payer, address provider, uint64 epoch, uint128 cumulative)
        external
        view
        returns (bytes32)
    {
        return _voucherDigest(_domainSeparatorV4(), payer, provider, epoch, cumulative);
    }

    /// @inheritdoc IEscrow
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IEscrow
    function rotation(address payer) public view returns (address signer, uint64 readyAt) {
        Rotation storage next = _rotations[payer];
        if (next.epoch != _accounts[payer].epoch) return (address(0), 0);
        return (next.signer, next.readyAt);
    }

    /// @inheritdoc IEscrow
    function reservationDigest(address payer, address provider, uint64 epoch, uint32 releases, uint128 cumulative)
        external
        view
        returns (bytes32)
    {
        return _reservationDigest(payer, provider, epoch, releases, cumulative);
    }

    /// @inheritdoc IEscrow
    function authorizationNonce(address payer, address signer, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(payer, signer, salt)) & NONCE_MASK;
    }

    function _credit(address payer, uint256 amount, address signer) private {
        Account memory to = _accounts[payer];
        if (amount == 0 || amount > type(uint88).max - to.free) revert AmountInvalid(amount);
        if (to.signer == address(0)) {
            _requireNewSigner(payer, signer, to.epoch);
        } else if (to.signer != signer) {
            revert SignerMismatch(signer, to.signer);
        }
        _accounts[payer] = Account({signer: signer, epoch: to.epoch, free: to.free + uint88(amount)});
        emit Deposited(payer, signer, amount, to.epoch);
    }

    function _requireNewSigner(address payer, address signer, uint8 epoch) private view {
        if (signer == address(0)) revert SignerInvalid(signer);
        if (epoch == 0) return;
        if (epoch == type(uint8).max) revert EpochsExhausted(payer);
        if (signer == _exits[payer].lastSigner) revert SignerInvalid(signer);
    }

    function _pull(address payer, uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(payer, address(this), amount);
        _requireReceived(before, amount);
    }

    function _requireReceived(uint256 before, uint256 amount) private view {
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TokenUnsupported(amount, received);
    }

    /// Reserving up to a total, rather than by an amount, makes a replayed reservation harmless.
    function _reserve(address payer, address provider, uint128 cumulative) private {
        Account storage from = _accounts[payer];
        Pair storage both = _pairs[provider][payer];
        uint256 covered = uint256(both.claimed) + both.reserved;
        if (cumulative <= covered) revert NothingToReserve(covered);
        uint256 amount = cumulative - covered;
        if (amount > from.free) revert FreeTooLow(from.free, amount);
        from.free -= uint88(amount);
        both.reserved += uint96(amount);
        emit Reserved(payer, provider, amount);
    }

    /// @return paid 0 when the row was passed over.
    function _claimRow(
        bytes32 separator,
        address provider,
        mapping(address payer => Pair) storage pairs,
        ClaimRow calldata row
    ) private returns (uint256 paid) {
        (address payer, uint128 cumulative) = (row.payer, row.cumulative);
        Account storage from = _accounts[payer];
        (address signer, uint8 epoch, uint256 free) = (from.signer, from.epoch, from.free);
        bytes32 digest = _voucherDigest(separator, payer, provider, epoch, cumulative);
        if (!_signedBy(signer, digest, row.r, row.vs)) {
            return _skip(payer, provider, cumulative, SkipReason.Signature);
        }
        Pair storage both = pairs[payer];
        (uint256 claimed, uint256 reserved) = (both.claimed, both.reserved);
        if (cumulative <= claimed) return _skip(payer, provider, cumulative, SkipReason.Stale);
        unchecked {
            // No sum or difference below can leave its type: every part is at most what it is taken from.
            paid = cumulative - claimed;
            uint256 fromReserved = paid < reserved ? paid : reserved;
            uint256 fromFree = paid - fromReserved;
            if (fromFree > free) fromFree = free;
            paid = fromReserved + fromFree;
            if (paid == 0) return _skip(payer, provider, cumulative, SkipReason.Unfunded);
            (both.claimed, both.reserved) = (uint128(claimed + paid), uint96(reserved - fromReserved));
            if (fromFree != 0) from.free = uint88(free - fromFree);
            emit Claimed(payer, provider, paid, claimed + paid);
        }
    }

    function _skip(address payer, address provider, uint256 cumulative, SkipReason reason) private returns (uint256) {
        emit ClaimSkipped(payer, provider, cumulative, reason);
        return 0;
    }

    function _unreserve(address[] calldata providers) private returns (uint256 amount) {
        for (uint256 i; i < providers.length; ++i) {
            Pair storage both = _pairs[providers[i]][msg.sender];
            amount += both.reserved;
            both.reserved = 0;
        }
    }

    function _close(Account storage from) private returns (uint256 free) {
        uint256 exitAt = _exits[msg.sender].readyAt;
        if (exitAt == 0) revert ExitNotRequested();
        if (block.timestamp < exitAt) revert ExitNotReady(exitAt);
        free = from.free;
        _exits[msg.sender] = Exit({lastSigner: from.signer, readyAt: 0});
        _accounts[msg.sender] = Account({signer: address(0), epoch: from.epoch + 1, free: 0});
    }

    function _open(address payer) private view returns (Account storage self) {
        self = _accounts[payer];
        if (self.signer == address(0)) revert AccountClosed(payer);
    }

    function _requireStaying(address payer) private view {
        uint256 exitAt = _exits[payer].readyAt;
        if (exitAt != 0) revert ExitPending(exitAt);
    }

    function _payoutOf(address provider) private view returns (address payout) {
        payout = registry.payoutOf(provider);
        if (payout == address(0)) payout = provider;
    }

    function _position(address payer, address provider) private view returns (Position memory self) {
        Account storage from = _accounts[payer];
        Pair storage both = _pairs[provider][payer];
        self.payer = payer;
        (self.signer, self.free, self.epoch) = (from.signer, from.free, from.epoch);
        self.exitAt = _exits[payer].readyAt;
        (self.nextSigner, self.nextSignerAt) = rotation(payer);
        (self.claimed, self.reserved, self.releases) = (both.claimed, both.reserved, both.releases);
    }
}
