// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IProviderRegistry} from "../../contracts/interfaces/IProviderRegistry.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {Test} from "./Test.sol";

/// A token, a registry, an escrow, and the people of every test.
abstract contract Stage is Test {
    uint256 internal constant MIN_STAKE = 100e6;
    uint256 internal constant UNBONDING = 14 days;
    uint256 internal constant EXIT_DELAY = 1 days;
    uint256 internal constant PLENTY = 1e15;

    uint256 internal constant PAYER_KEY = 0xA11CE;
    uint256 internal constant SESSION_KEY = 0x5E5510;
    uint256 internal constant OTHER_KEY = 0x07E8;

    address internal payer;
    address internal session;
    address internal otherSession;
    address internal provider = address(0xB0B);
    address internal rival = address(0xB0B2);
    address internal payout = address(0xCAFE);

    TestToken internal token;
    IProviderRegistry internal registry;
    IEscrow internal escrow;

    function setUp() public virtual {
        (payer, session, otherSession) = (vm.addr(PAYER_KEY), vm.addr(SESSION_KEY), vm.addr(OTHER_KEY));
        token = makeToken("TestToken.sol:TestToken");
        registry = makeRegistry(address(token), MIN_STAKE, UNBONDING);
        escrow = makeEscrow(address(token), address(registry), EXIT_DELAY);
        vm.warp(1_000_000);
        fund(payer);
        fund(provider);
        fund(rival);
    }

    function makeToken(string memory artifact) internal returns (TestToken) {
        return TestToken(make(artifact, ""));
    }

    function makeRegistry(address asset, uint256 minStake, uint256 unbonding) internal returns (IProviderRegistry) {
        return IProviderRegistry(make("ProviderRegistry.sol:ProviderRegistry", abi.encode(asset, minStake, unbonding)));
    }

    function makeEscrow(address asset, address registry_, uint256 exitDelay) internal returns (IEscrow) {
        return IEscrow(make("Escrow.sol:Escrow", abi.encode(asset, registry_, exitDelay)));
    }

    function fund(address who) internal {
        token.mint(who, PLENTY);
        vm.startPrank(who);
        token.approve(address(registry), type(uint256).max);
        token.approve(address(escrow), type(uint256).max);
        vm.stopPrank();
    }

    function deposit(uint256 amount) internal {
        vm.prank(payer);
        escrow.deposit(amount, session);
    }

    function register() internal {
        vm.prank(provider);
        registry.register("/ip4/203.0.113.7/tcp/4001", keccak256("peer"), session, payout, MIN_STAKE);
    }

    function voucher(uint256 key, address from, address to, uint64 epoch, uint128 cumulative)
        internal
        view
        returns (IEscrow.ClaimRow memory)
    {
        (bytes32 r, bytes32 vs) = compact(key, escrow.voucherDigest(from, to, epoch, cumulative));
        return IEscrow.ClaimRow({payer: from, cumulative: cumulative, r: r, vs: vs});
    }

    function claim(uint128 cumulative) internal returns (uint256 paid, uint256 skipped) {
        return claim(voucher(SESSION_KEY, payer, provider, 0, cumulative));
    }

    function claim(IEscrow.ClaimRow memory row) internal returns (uint256 paid, uint256 skipped) {
        IEscrow.ClaimRow[] memory rows = new IEscrow.ClaimRow[](1);
        rows[0] = row;
        return escrow.claim(provider, rows);
    }

    function reserve(uint128 cumulative) internal {
        (,, uint32 releases) = escrow.pair(payer, provider);
        (, uint64 epoch) = escrow.exit(payer);
        reserve(SESSION_KEY, epoch, releases, cumulative);
    }

    function reserve(uint256 key, uint64 epoch, uint32 releases, uint128 cumulative) internal {
        bytes32 digest = escrow.reservationDigest(payer, provider, epoch, releases, cumulative);
        (bytes32 r, bytes32 vs) = compact(key, digest);
        vm.prank(provider);
        escrow.reserve(payer, cumulative, r, vs);
    }

    function depart() internal {
        vm.prank(payer);
        escrow.requestExit();
        vm.warp(time() + EXIT_DELAY);
    }

    function withdraw() internal {
        vm.prank(payer);
        escrow.withdraw(list(provider));
    }

    function list(address one) internal pure returns (address[] memory all) {
        all = new address[](1);
        all[0] = one;
    }

    function free() internal view returns (uint256 amount) {
        (, amount) = escrow.account(payer);
    }

    function claimed() internal view returns (uint256 amount) {
        (amount,,) = escrow.pair(payer, provider);
    }

    function reserved() internal view returns (uint256 amount) {
        (, amount,) = escrow.pair(payer, provider);
    }
}
