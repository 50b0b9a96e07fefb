// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IProviderRegistry} from "../../contracts/interfaces/IProviderRegistry.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {Stage} from "./Stage.sol";
import {Test} from "./Test.sol";

/// Three payers and three providers who do anything at any time, and keep their own books.
contract People is Test {
    uint256 private constant COUNT = 3;
    uint256 private constant WAIT = 1 days;

    TestToken private immutable _token;
    IProviderRegistry private immutable _registry;
    IEscrow private immutable _escrow;

    mapping(uint256 payer => uint256) private _key;
    mapping(uint256 payer => mapping(uint256 provider => uint256)) public claimedBefore;
    uint256 public paidOut;
    uint256 public shortfalls;
    uint256 public replays;

    IEscrow.ClaimRow[] private _old;
    address[] private _oldFor;
    uint64[] private _oldEpoch;

    constructor(TestToken token, IProviderRegistry registry, IEscrow escrow) {
        (_token, _registry, _escrow) = (token, registry, escrow);
        for (uint256 i; i < COUNT; ++i) {
            _fund(payerAt(i));
            _fund(providerAt(i));
        }
    }

    function deposit(uint256 who, uint256 amount) external {
        who %= COUNT;
        (address signer,) = _escrow.account(payerAt(who));
        (, uint64 epoch) = _escrow.exit(payerAt(who));
        if (epoch == 255) return;
        if (signer == address(0)) signer = vm.addr(++_key[who] * COUNT + who + 1);
        vm.prank(payerAt(who));
        _escrow.deposit(bound(amount, 1, 1e6), signer);
    }

    function reserve(uint256 who, uint256 whom, uint256 extra) external {
        (address payer, address provider) = (payerAt(who % COUNT), providerAt(whom % COUNT));
        IEscrow.Position memory now_ = _position(payer, provider);
        if (now_.signer == address(0) || now_.exitAt != 0 || now_.free == 0) return;
        uint128 total = now_.claimed + now_.reserved + uint128(bound(extra, 1, now_.free));
        bytes32 digest = _escrow.reservationDigest(payer, provider, now_.epoch, now_.releases, total);
        (bytes32 r, bytes32 vs) = compact(_secret(who % COUNT), digest);
        vm.prank(provider);
        _escrow.reserve(payer, total, r, vs);
    }

    function release(uint256 who, uint256 whom) external {
        (who, whom) = (who % COUNT, whom % COUNT);
        (address signer,) = _escrow.account(payerAt(who));
        (, uint128 reserved,) = _escrow.pair(payerAt(who), providerAt(whom));
        if (signer == address(0) || reserved == 0) return;
        vm.prank(providerAt(whom));
        _escrow.release(payerAt(who));
    }

    function claim(uint256 who, uint256 whom, uint256 extra) external {
        (who, whom) = (who % COUNT, whom % COUNT);
        if (_key[who] == 0) return;
        (address payer, address provider) = (payerAt(who), providerAt(whom));
        IEscrow.Position memory now_ = _position(payer, provider);
        uint256 owed = bound(extra, 1, 1e6);
        uint128 total = now_.claimed + uint128(owed);
        (bytes32 r, bytes32 vs) = compact(_secret(who), _escrow.voucherDigest(payer, provider, now_.epoch, total));
        IEscrow.ClaimRow memory row = IEscrow.ClaimRow(payer, total, r, vs);
        uint256 there = now_.signer == address(0) ? 0 : now_.reserved + now_.free;
        if (_claim(whom, row) != (owed < there ? owed : there)) ++shortfalls;
        _old.push(row);
        _oldFor.push(provider);
        _oldEpoch.push(now_.epoch);
    }

    /// A voucher of a former epoch must be worth nothing, to whomever it is presented.
    function replay(uint256 which, uint256 whom) external {
        if (_old.length == 0) return;
        which %= _old.length;
        whom %= COUNT;
        (, uint64 epoch) = _escrow.exit(_old[which].payer);
        bool other = providerAt(whom) != _oldFor[which];
        if (epoch == _oldEpoch[which] && !other) return;
        if (_claim(whom, _old[which]) != 0) ++replays;
    }

    function requestExit(uint256 who) external {
        who %= COUNT;
        (address signer,) = _escrow.account(payerAt(who));
        (uint64 exitAt,) = _escrow.exit(payerAt(who));
        if (signer == address(0) || exitAt != 0) return;
        vm.prank(payerAt(who));
        _escrow.requestExit();
    }

    function withdraw(uint256 who, uint256 listed) external {
        who %= COUNT;
        (uint64 exitAt,) = _escrow.exit(payerAt(who));
        if (exitAt == 0) return;
        if (exitAt > time()) vm.warp(exitAt);
        address[] memory list = new address[](listed % (COUNT + 1));
        for (uint256 i; i < list.length; ++i) {
            list[i] = providerAt(i);
        }
        vm.prank(payerAt(who));
        _escrow.withdraw(list);
    }

    function register(uint256 whom, uint256 stake) external {
        whom %= COUNT;
        if (_registry.payoutOf(providerAt(whom)) != address(0)) return;
        vm.prank(providerAt(whom));
        _registry.register("/a", 0, address(this), providerAt(whom), bound(stake, 100, 1e6));
    }

    function topUp(uint256 whom, uint256 amount) external {
        whom %= COUNT;
        if (_registry.payoutOf(providerAt(whom)) == address(0)) return;
        if (_registry.provider(providerAt(whom)).exitAt != 0) return;
        vm.prank(providerAt(whom));
        _registry.topUp(bound(amount, 1, 1e6));
    }

    function unregister(uint256 whom, bool finish) external {
        whom %= COUNT;
        address account = providerAt(whom);
        if (_registry.payoutOf(account) == address(0)) return;
        uint256 exitAt = _registry.provider(account).exitAt;
        if (exitAt == 0) {
            vm.prank(account);
            _registry.requestExit();
        } else if (finish) {
            if (exitAt > time()) vm.warp(exitAt);
            vm.prank(account);
            _registry.withdraw();
        }
    }

    function payerAt(uint256 index) public pure returns (address) {
        return address(uint160(0xAA00 + index));
    }

    function providerAt(uint256 index) public pure returns (address) {
        return address(uint160(0xBB00 + index));
    }

    function _claim(uint256 whom, IEscrow.ClaimRow memory row) private returns (uint256 paid) {
        IEscrow.ClaimRow[] memory rows = new IEscrow.ClaimRow[](1);
        rows[0] = row;
        (paid,) = _escrow.claim(providerAt(whom), rows);
        paidOut += paid;
        claimedBefore[uint160(row.payer) - 0xAA00][whom] += paid;
    }

    function _position(address payer, address provider) private view returns (IEscrow.Position memory) {
        address[] memory one = new address[](1);
        one[0] = payer;
        return _escrow.positions(provider, one)[0];
    }

    function _secret(uint256 who) private view returns (uint256) {
        return _key[who] * COUNT + who + 1;
    }

    function _fund(address who) private {
        _token.mint(who, 1e12);
        vm.startPrank(who);
        _token.approve(address(_escrow), type(uint256).max);
        _token.approve(address(_registry), type(uint256).max);
        vm.stopPrank();
    }
}

contract MoneyTest is Stage {
    People private _people;

    function setUp() public override {
        super.setUp();
        registry = makeRegistry(address(token), 100, UNBONDING);
        escrow = makeEscrow(address(token), address(registry), EXIT_DELAY);
        _people = new People(token, registry, escrow);
    }

    function targetContracts() public view returns (address[] memory) {
        return list(address(_people));
    }

    function invariant_theEscrowHoldsWhatItsAccountsSay() public view {
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            (, uint256 amount) = escrow.account(_people.payerAt(i));
            sum += amount;
            for (uint256 j; j < 3; ++j) {
                (, uint128 kept,) = escrow.pair(_people.payerAt(i), _people.providerAt(j));
                sum += kept;
            }
        }
        equal(token.balanceOf(address(escrow)), sum);
    }

    function invariant_claimedIsAllThatWasEverPaid() public view {
        for (uint256 i; i < 3; ++i) {
            for (uint256 j; j < 3; ++j) {
                (uint128 total,,) = escrow.pair(_people.payerAt(i), _people.providerAt(j));
                equal(total, _people.claimedBefore(i, j));
            }
        }
    }

    function invariant_everyVoucherIsPaidAsFarAsThereIsMoneyAndOnlyInItsEpoch() public view {
        equal(_people.shortfalls(), 0);
        equal(_people.replays(), 0);
    }

    function invariant_theRegistryHoldsItsStakes() public view {
        uint256 sum;
        (IProviderRegistry.ProviderView[] memory page,) = registry.providers(0, 0);
        for (uint256 i; i < page.length; ++i) {
            sum += page[i].stake;
        }
        equal(token.balanceOf(address(registry)), sum);
    }
}
