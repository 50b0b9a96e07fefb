// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IProviderRegistry} from "./interfaces/IProviderRegistry.sol";

/// @title ProviderRegistry
/// @notice As specified by `IProviderRegistry`.
contract ProviderRegistry is IProviderRegistry, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// One slot of the list. The stake rides along with the address it belongs to.
    struct Entry {
        address provider;
        uint96 stake;
    }

    /// A provider exists while it has a signer. A payout of zero stands for the provider itself and costs no slot.
    struct Provider {
        address signer;
        uint40 exitAt;
        uint32 index;
        uint8 offerCount;
        address payout;
        bytes32 peerId;
        string endpoint;
    }

    /// One slot. The position in `_models` counts from 1, so that 0 says the model is not listed.
    struct Offer {
        uint80 priceIn;
        uint80 priceOut;
        uint24 context;
        uint16 capabilities;
        uint40 expiry;
        uint8 version;
        uint8 position;
    }

    uint256 private constant UNBONDING_SECONDS_MAX = 365 days;

    /// @inheritdoc IProviderRegistry
    uint256 public constant ENDPOINT_BYTES_MAX = 255;

    /// @inheritdoc IProviderRegistry
    uint256 public constant OFFERS_MAX = 255;

    /// @inheritdoc IProviderRegistry
    uint256 public constant PAGE_MAX = 500;

    /// @inheritdoc IProviderRegistry
    IERC20 public immutable token;

    /// @inheritdoc IProviderRegistry
    uint256 public immutable minStake;

    /// @inheritdoc IProviderRegistry
    uint256 public immutable unbonding;

    Entry[] private _entries;
    mapping(address provider => Provider) private _providers;
    mapping(address provider => mapping(bytes32 modelId => Offer)) private _offers;
    mapping(address provider => mapping(uint256 index => bytes32 modelId)) private _models;

    constructor(IERC20 token_, uint256 minStake_, uint256 unbonding_) {
        if (address(token_).code.length == 0) revert TokenInvalid(address(token_));
        if (unbonding_ == 0 || unbonding_ > UNBONDING_SECONDS_MAX) revert UnbondingInvalid(unbonding_);
        if (minStake_ > type(uint96).max) revert AmountInvalid(minStake_);
        token = token_;
        minStake = minStake_;
        unbonding = unbonding_;
    }

    /// @inheritdoc IProviderRegistry
    function register(string calldata endpoint, bytes32 peerId, address signer, address payout, uint256 stake)
        external
        nonReentrant
    {
        _register(endpoint, peerId, signer, payout, stake);
    }

    /// @inheritdoc IProviderRegistry
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
    ) external nonReentrant {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), stake, deadline, v, r, s) {} catch {}
        _register(endpoint, peerId, signer, payout, stake);
    }

    /// @inheritdoc IProviderRegistry
    function update(string calldata endpoint, bytes32 peerId, address signer, address payout) external {
        _write(_registered(msg.sender), endpoint, peerId, signer, payout);
        emit Updated(msg.sender, signer, payout, peerId, endpoint);
    }

    /// @inheritdoc IProviderRegistry
    function topUp(uint256 amount) external nonReentrant {
        Provider storage self = _registered(msg.sender);
        if (self.exitAt != 0) revert ExitPending(self.exitAt);
        Entry storage entry = _entries[self.index];
        if (amount == 0 || amount > type(uint96).max - entry.stake) revert AmountInvalid(amount);
        entry.stake += uint96(amount);
        emit ToppedUp(msg.sender, amount, entry.stake);
        _pull(amount);
    }

    /// @inheritdoc IProviderRegistry
    function requestExit() external {
        Provider storage self = _registered(msg.sender);
        if (self.exitAt != 0) revert ExitPending(self.exitAt);
        self.exitAt = uint40(block.timestamp + unbonding);
        emit ExitRequested(msg.sender, self.exitAt);
    }

    /// @inheritdoc IProviderRegistry
    function withdraw() external nonReentrant {
        Provider storage self = _registered(msg.sender);
        uint256 exitAt = self.exitAt;
        if (exitAt == 0) revert ExitNotRequested();
        if (block.timestamp < exitAt) revert StillUnbonding(exitAt);
        uint256 stake = _remove(self.index);
        self.signer = address(0);
        self.exitAt = 0;
        self.index = 0;
        delete self.payout;
        delete self.peerId;
        delete self.endpoint;
        emit Withdrawn(msg.sender, stake);
        if (stake != 0) token.safeTransfer(msg.sender, stake);
    }

    /// @inheritdoc IProviderRegistry
    function setOffers(OfferInput[] calldata inputs) external {
        Provider storage self = _registered(msg.sender);
        if (self.exitAt != 0) revert ExitPending(self.exitAt);
        uint8 before = self.offerCount;
        uint8 count = before;
        bytes32[] memory modelIds = new bytes32[](inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            count = _setOffer(inputs[i], count);
            modelIds[i] = inputs[i].modelId;
        }
        if (count != before) self.offerCount = count;
        emit OffersSet(msg.sender, modelIds);
    }

    /// @inheritdoc IProviderRegistry
    function removeOffers(bytes32[] calldata modelIds) external {
        uint8 count = _providers[msg.sender].offerCount;
        for (uint256 i; i < modelIds.length; ++i) {
            uint8 position = _offers[msg.sender][modelIds[i]].position;
            if (position == 0) revert OfferUnknown(modelIds[i]);
            if (position != count) {
                bytes32 last = _models[msg.sender][count - 1];
                _models[msg.sender][position - 1] = last;
                _offers[msg.sender][last].position = position;
            }
            delete _models[msg.sender][count - 1];
            delete _offers[msg.sender][modelIds[i]];
            --count;
        }
        _providers[msg.sender].offerCount = count;
        emit OffersRemoved(msg.sender, modelIds);
    }

    /// @inheritdoc IProviderRegistry
    function providers(uint256 cursor, uint256 limit)
        external
        view
        returns (ProviderView[] memory page, uint256 nextCursor)
    {
        uint256 end;
        (end, nextCursor) = _pageBounds(_entries.length, cursor, limit);
        page = new ProviderView[](end - nextCursor);
        for (uint256 i; i < page.length; ++i) {
            page[i] = _view(_entries[end - 1 - i]);
        }
    }

    /// @inheritdoc IProviderRegistry
    function provider(address account) external view returns (ProviderView memory) {
        return _view(_entries[_registered(account).index]);
    }

    /// @inheritdoc IProviderRegistry
    function providerCount() external view returns (uint256) {
        return _entries.length;
    }

    /// @inheritdoc IProviderRegistry
    function payoutOf(address account) external view returns (address) {
        Provider storage entry = _providers[account];
        if (entry.signer == address(0)) return address(0);
        return entry.payout == address(0) ? account : entry.payout;
    }

    /// @inheritdoc IProviderRegistry
    function offers(address account, uint256 cursor, uint256 limit)
        external
        view
        returns (OfferView[] memory page, uint256 nextCursor)
    {
        uint256 end;
        (end, nextCursor) = _pageBounds(_providers[account].offerCount, cursor, limit);
        page = new OfferView[](end - nextCursor);
        for (uint256 i; i < page.length; ++i) {
            page[i] = _offerView(account, _models[account][end - 1 - i]);
        }
    }

    /// @inheritdoc IProviderRegistry
    function offer(address account, bytes32 modelId) external view returns (OfferView memory) {
        if (_offers[account][modelId].position == 0) revert OfferUnknown(modelId);
        return _offerView(account, modelId);
    }

    function _register(string calldata endpoint, bytes32 peerId, address signer, address payout, uint256 stake)
        private
    {
        Provider storage self = _providers[msg.sender];
        if (self.signer != address(0)) revert AlreadyRegistered(msg.sender);
        if (stake < minStake) revert StakeTooLow(stake, minStake);
        if (stake > type(uint96).max) revert AmountInvalid(stake);
        self.index = uint32(_entries.length);
        _entries.push(Entry({provider: msg.sender, stake: uint96(stake)}));
        _write(self, endpoint, peerId, signer, payout);
        emit Registered(msg.sender, signer, payout, peerId, endpoint, stake);
        _pull(stake);
    }

    function _write(
        Provider storage self,
        string calldata endpoint,
        bytes32 peerId,
        address signer,
        address payout
    ) private {
        uint256 length = bytes(endpoint).length;
        if (length == 0 || length > ENDPOINT_BYTES_MAX) revert EndpointInvalid(length);
        if (signer == address(0)) revert SignerInvalid();
        if (payout == address(0)) revert PayoutInvalid();
        self.signer = signer;
        self.payout = payout == msg.sender ? address(0) : payout;
        self.peerId = peerId;
        self.endpoint = endpoint;
    }

    /// Swaps the newest entry into the hole, which keeps the promise `providers` makes to its readers.
    function _remove(uint256 index) private returns (uint256 stake) {
        stake = _entries[index].stake;
        uint256 last = _entries.length - 1;
        if (index != last) {
            Entry memory moved = _entries[last];
            _entries[index] = moved;
            _providers[moved.provider].index = uint32(index);
        }
        _entries.pop();
    }

    function _setOffer(OfferInput calldata input, uint8 count) private returns (uint8) {
        if (input.expiry <= block.timestamp) revert OfferExpired(input.modelId, input.expiry);
        Offer storage slot = _offers[msg.sender][input.modelId];
        (uint8 position, uint8 version) = (slot.position, slot.version);
        if (position == 0) {
            if (count == OFFERS_MAX) revert TooManyOffers();
            _models[msg.sender][count] = input.modelId;
            position = ++count;
        }
        unchecked {
            ++version;
        }
        _offers[msg.sender][input.modelId] = Offer({
            priceIn: input.priceIn,
            priceOut: input.priceOut,
            context: input.context,
            capabilities: input.capabilities,
            expiry: input.expiry,
            version: version,
            position: position
        });
        return count;
    }

    function _pull(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TokenUnsupported(amount, received);
    }

    function _registered(address account) private view returns (Provider storage self) {
        self = _providers[account];
        if (self.signer == address(0)) revert NotRegistered(account);
    }

    function _view(Entry storage entry) private view returns (ProviderView memory) {
        address account = entry.provider;
        Provider storage self = _providers[account];
        return ProviderView({
            provider: account,
            signer: self.signer,
            payout: self.payout == address(0) ? account : self.payout,
            stake: entry.stake,
            exitAt: self.exitAt,
            peerId: self.peerId,
            endpoint: self.endpoint,
            offerCount: self.offerCount
        });
    }

    function _offerView(address account, bytes32 modelId) private view returns (OfferView memory) {
        Offer memory slot = _offers[account][modelId];
        return OfferView({
            modelId: modelId,
            priceIn: slot.priceIn,
            priceOut: slot.priceOut,
            context: slot.context,
            capabilities: slot.capabilities,
            expiry: slot.expiry,
            version: slot.version
        });
    }

    function _pageBounds(uint256 length, uint256 cursor, uint256 limit)
        private
        pure
        returns (uint256 end, uint256 start)
    {
        if (limit == 0 || limit > PAGE_MAX) limit = PAGE_MAX;
        end = cursor == 0 || cursor > length ? length : cursor;
        start = end > limit ? end - limit : 0;
    }
}
