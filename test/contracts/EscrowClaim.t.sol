// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Stage} from "./Stage.sol";

contract EscrowClaimTest is Stage {
    function setUp() public override {
        super.setUp();
        deposit(100);
    }

    function test_aVoucherIsPaidFromFreeMoney() public {
        expectFrom(address(escrow));
        emit IEscrow.Claimed(payer, provider, 40, 40);
        (uint256 paid, uint256 skipped) = claim(40);
        equal(paid, 40);
        equal(skipped, 0);
        equal(free(), 60);
        equal(token.balanceOf(provider), PLENTY + 40);
    }

    function test_aHigherVoucherPaysTheDifference() public {
        claim(40);
        (uint256 paid,) = claim(55);
        equal(paid, 15);
        equal(claimed(), 55);
    }

    function test_theReservationIsDrawnFirst() public {
        reserve(30);
        claim(20);
        equal(reserved(), 10);
        equal(free(), 70);
        claim(50);
        equal(reserved(), 0);
        equal(free(), 50);
    }

    function test_theRegisteredPayoutIsPaid() public {
        register();
        claim(40);
        equal(token.balanceOf(payout), 40);
        equal(token.balanceOf(provider), PLENTY - MIN_STAKE);
    }

    function test_whoSubmitsGainsNothing() public {
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, payer, provider, 0, 40);
        vm.prank(rival);
        claim(row);
        equal(token.balanceOf(rival), PLENTY);
        equal(token.balanceOf(provider), PLENTY + 40);
    }

    function test_aShortAccountPaysWhatItHasAndTheRestLater() public {
        (uint256 paid, uint256 skipped) = claim(130);
        equal(paid, 100);
        equal(skipped, 0);
        equal(claimed(), 100);
        expectSkip(130, IEscrow.SkipReason.Unfunded);
        claim(130);
        deposit(50);
        (paid,) = claim(130);
        equal(paid, 30);
        equal(free(), 20);
    }

    function test_aVoucherPaysOnce() public {
        claim(40);
        expectSkip(40, IEscrow.SkipReason.Stale);
        (uint256 paid, uint256 skipped) = claim(40);
        equal(paid, 0);
        equal(skipped, 1);
    }

    function test_aLowerVoucherIsStale() public {
        claim(40);
        expectSkip(39, IEscrow.SkipReason.Stale);
        claim(39);
    }

    function test_aVoucherOfZeroIsStale() public {
        expectSkip(0, IEscrow.SkipReason.Stale);
        claim(0);
    }

    function test_onlyTheSessionKeyCanSign() public {
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(voucher(OTHER_KEY, payer, provider, 0, 40));
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(voucher(PAYER_KEY, payer, provider, 0, 40));
    }

    function test_aVoucherIsForOneProvider() public {
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(voucher(SESSION_KEY, payer, rival, 0, 40));
    }

    function test_aVoucherIsForOneEpoch() public {
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(voucher(SESSION_KEY, payer, provider, 1, 40));
    }

    function test_aVoucherIsForOnePayer() public {
        vm.prank(rival);
        escrow.deposit(100, session);
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, rival, provider, 0, 40);
        row.payer = payer;
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(row);
    }

    function test_aVoucherIsForOneTotal() public {
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, payer, provider, 0, 40);
        row.cumulative = 41;
        expectSkip(41, IEscrow.SkipReason.Signature);
        claim(row);
    }

    function test_aVoucherIsForOneEscrow() public {
        IEscrow twin = makeEscrow(address(token), address(registry), EXIT_DELAY);
        (bytes32 r, bytes32 vs) = compact(SESSION_KEY, twin.voucherDigest(payer, provider, 0, 40));
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(IEscrow.ClaimRow(payer, 40, r, vs));
    }

    function test_aVoucherIsForOneChain() public {
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, payer, provider, 0, 40);
        vm.chainId(5);
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(row);
    }

    function test_theMalleatedTwinOfASignatureIsRefused() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SESSION_KEY, escrow.voucherDigest(payer, provider, 0, 40));
        uint256 high = CURVE - uint256(s);
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(IEscrow.ClaimRow(payer, 40, r, bytes32((uint256(28 - v) << 255) | high)));
    }

    function test_aHighSThatFitsTheCompactFormIsRefused() public {
        (, bytes32 r,) = vm.sign(SESSION_KEY, escrow.voucherDigest(payer, provider, 0, 40));
        expectSkip(40, IEscrow.SkipReason.Signature);
        claim(IEscrow.ClaimRow(payer, 40, r, bytes32(CURVE / 2 + 1)));
    }

    function test_aClosedAccountOwesNothing() public {
        expectSkip(rival, 40, IEscrow.SkipReason.Signature);
        claim(IEscrow.ClaimRow(rival, 40, bytes32(0), bytes32(0)));
    }

    function testFuzz_garbageIsSkipped(address from, uint128 cumulative, bytes32 r, bytes32 vs) public {
        (uint256 paid, uint256 skipped) = claim(IEscrow.ClaimRow(from, cumulative, r, vs));
        equal(paid, 0);
        equal(skipped, 1);
        equal(free(), 100);
    }

    function test_oneBadRowDoesNotSpoilABatch() public {
        vm.prank(rival);
        escrow.deposit(100, otherSession);
        IEscrow.ClaimRow[] memory rows = new IEscrow.ClaimRow[](4);
        rows[0] = voucher(SESSION_KEY, payer, provider, 0, 10);
        rows[1] = voucher(OTHER_KEY, payer, provider, 0, 90);
        rows[2] = voucher(OTHER_KEY, rival, provider, 0, 7);
        rows[3] = rows[0];
        (uint256 paid, uint256 skipped) = escrow.claim(provider, rows);
        equal(paid, 17);
        equal(skipped, 2);
        equal(token.balanceOf(provider), PLENTY + 17);
    }

    function test_anEmptyBatchDoesNothing() public {
        (uint256 paid, uint256 skipped) = escrow.claim(provider, new IEscrow.ClaimRow[](0));
        equal(paid + skipped, 0);
    }

    function test_aReservationIsOutOfReachOfOthers() public {
        reserve(90);
        IEscrow.ClaimRow[] memory rows = new IEscrow.ClaimRow[](1);
        rows[0] = voucher(SESSION_KEY, payer, rival, 0, 50);
        (uint256 paid,) = escrow.claim(rival, rows);
        equal(paid, 10);
        (paid,) = claim(90);
        equal(paid, 90);
    }

    function test_reservingMovesFreeMoneyAside() public {
        expectFrom(address(escrow));
        emit IEscrow.Reserved(payer, provider, 30);
        reserve(30);
        equal(free(), 70);
        equal(reserved(), 30);
    }

    function test_aReservationCountsLikeAVoucher() public {
        claim(20);
        reserve(50);
        equal(reserved(), 30);
        reserve(60);
        equal(reserved(), 40);
        claim(30);
        refuse(IEscrow.NothingToReserve.selector, 60);
        this.reserveAgain(60);
    }

    function test_aReservationNeedsFreeMoney() public {
        refuse(IEscrow.FreeTooLow.selector, 100, 101);
        this.reserveAgain(101);
    }

    function test_aReservationNeedsTheSessionKey() public {
        refuse(IEscrow.SignatureInvalid.selector);
        this.reserveWith(OTHER_KEY, 0, 0, 30);
        refuse(IEscrow.SignatureInvalid.selector);
        this.reserveWith(SESSION_KEY, 1, 0, 30);
        refuse(IEscrow.SignatureInvalid.selector);
        this.reserveWith(SESSION_KEY, 0, 1, 30);
    }

    function test_aReservationNeedsAnOpenAccount() public {
        refuse(IEscrow.AccountClosed.selector, rival);
        vm.prank(provider);
        escrow.reserve(rival, 1, bytes32(0), bytes32(0));
    }

    function test_aProviderGivesItsReservationBack() public {
        reserve(30);
        expectFrom(address(escrow));
        emit IEscrow.Released(payer, provider, 30);
        vm.prank(provider);
        escrow.release(payer);
        equal(free(), 100);
        equal(reserved(), 0);
    }

    function test_aReleasedReservationCannotBeReplayed() public {
        reserve(30);
        vm.prank(provider);
        escrow.release(payer);
        refuse(IEscrow.SignatureInvalid.selector);
        this.reserveWith(SESSION_KEY, 0, 0, 30);
        reserve(30);
        equal(reserved(), 30);
    }

    function test_nothingReservedIsNothingToRelease() public {
        refuse(IEscrow.NothingReserved.selector);
        vm.prank(provider);
        escrow.release(payer);
    }

    function test_aReleaseThatDoesNotFitWaits() public {
        token.mint(payer, type(uint128).max);
        reserve(30);
        deposit(type(uint88).max - 70);
        refuse(IEscrow.AmountInvalid.selector, 30);
        vm.prank(provider);
        escrow.release(payer);
    }

    function test_positionsAnswerForManyPayersAtOnce() public {
        reserve(30);
        claim(10);
        vm.prank(payer);
        escrow.requestExit();
        vm.prank(payer);
        escrow.requestRotation(otherSession);
        address[] memory payers = new address[](2);
        (payers[0], payers[1]) = (payer, rival);
        IEscrow.Position[] memory all = escrow.positions(provider, payers);
        equal(all[0].payer, payer);
        equal(all[0].signer, session);
        equal(all[0].free, 70);
        equal(all[0].claimed, 10);
        equal(all[0].reserved, 20);
        equal(all[0].releases, 0);
        equal(all[0].epoch, 0);
        equal(all[0].exitAt, time() + EXIT_DELAY);
        equal(all[0].nextSigner, otherSession);
        equal(all[0].nextSignerAt, time() + EXIT_DELAY);
        equal(all[1].payer, rival);
        equal(all[1].signer, address(0));
    }

    function testFuzz_aProviderGetsExactlyWhatIsOwedOrThere(uint96 funds, uint96 first, uint96 second) public {
        uint256 more = bound(funds, 1, PLENTY - 100);
        deposit(more);
        uint256 total = more + 100;
        claim(first);
        claim(second);
        uint256 owed = first > second ? first : second;
        uint256 expected = owed < total ? owed : total;
        equal(claimed(), expected);
        equal(token.balanceOf(provider), PLENTY + expected);
        equal(free(), total - expected);
    }

    function testFuzz_whatIsReservedIsAlwaysPayable(uint256 total, uint256 other) public {
        total = bound(total, 1, 100);
        other = bound(other, 1, type(uint96).max);
        reserve(uint128(total));
        IEscrow.ClaimRow[] memory rows = new IEscrow.ClaimRow[](1);
        rows[0] = voucher(SESSION_KEY, payer, rival, 0, uint128(other));
        escrow.claim(rival, rows);
        (uint256 paid,) = claim(uint128(total));
        equal(paid, total);
    }

    function reserveAgain(uint128 cumulative) external {
        (bytes32 r, bytes32 vs) =
            compact(SESSION_KEY, escrow.reservationDigest(payer, provider, 0, 0, cumulative));
        vm.prank(provider);
        escrow.reserve(payer, cumulative, r, vs);
    }

    function reserveWith(uint256 key, uint64 epoch, uint32 releases, uint128 cumulative) external {
        (bytes32 r, bytes32 vs) =
            compact(key, escrow.reservationDigest(payer, provider, epoch, releases, cumulative));
        vm.prank(provider);
        escrow.reserve(payer, cumulative, r, vs);
    }

    function expectSkip(uint256 cumulative, IEscrow.SkipReason reason) private {
        expectSkip(payer, cumulative, reason);
    }

    function expectSkip(address from, uint256 cumulative, IEscrow.SkipReason reason) private {
        expectFrom(address(escrow));
        emit IEscrow.ClaimSkipped(from, provider, cumulative, reason);
    }
}
