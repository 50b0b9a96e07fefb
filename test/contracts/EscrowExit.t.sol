// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Stage} from "./Stage.sol";

contract EscrowExitTest is Stage {
    function setUp() public override {
        super.setUp();
        deposit(100);
    }

    function test_anExitIsAnnounced() public {
        expectFrom(address(escrow));
        emit IEscrow.ExitRequested(payer, time() + EXIT_DELAY);
        vm.prank(payer);
        escrow.requestExit();
        (uint64 readyAt, uint64 epoch) = escrow.exit(payer);
        equal(readyAt, time() + EXIT_DELAY);
        equal(epoch, 0);
    }

    function test_anExitIsRequestedOnce() public {
        vm.startPrank(payer);
        escrow.requestExit();
        refuse(IEscrow.ExitPending.selector, time() + EXIT_DELAY);
        escrow.requestExit();
    }

    function test_onlyAnOpenAccountCanExit() public {
        refuse(IEscrow.AccountClosed.selector, rival);
        vm.prank(rival);
        escrow.requestExit();
    }

    function test_withdrawingNeedsARequest() public {
        refuse(IEscrow.ExitNotRequested.selector);
        withdraw();
    }

    function test_withdrawingNeedsPatience() public {
        uint256 readyAt = time() + EXIT_DELAY;
        vm.prank(payer);
        escrow.requestExit();
        vm.warp(readyAt - 1);
        refuse(IEscrow.ExitNotReady.selector, readyAt);
        withdraw();
        vm.warp(readyAt);
        withdraw();
    }

    function test_withdrawingTakesFreeAndReservedMoneyHome() public {
        reserve(30);
        claim(10);
        depart();
        expectFrom(address(escrow));
        emit IEscrow.Withdrawn(payer, 90, 1);
        withdraw();
        equal(token.balanceOf(payer), PLENTY - 10);
        equal(token.balanceOf(address(escrow)), 0);
        (address signer, uint256 amount) = escrow.account(payer);
        equal(signer, address(0));
        equal(amount, 0);
        (uint64 readyAt, uint64 epoch) = escrow.exit(payer);
        equal(readyAt, 0);
        equal(epoch, 1);
    }

    function test_vouchersStayClaimableUntilTheWithdrawal() public {
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, payer, provider, 0, 40);
        depart();
        vm.warp(time() + 365 days);
        (uint256 paid,) = claim(row);
        equal(paid, 40);
        withdraw();
        equal(token.balanceOf(payer), PLENTY - 40);
    }

    function test_aLeavingPayerReservesNothing() public {
        vm.prank(payer);
        escrow.requestExit();
        (bytes32 r, bytes32 vs) = compact(SESSION_KEY, escrow.reservationDigest(payer, provider, 0, 0, 30));
        refuse(IEscrow.ExitPending.selector, time() + EXIT_DELAY);
        vm.prank(provider);
        escrow.reserve(payer, 30, r, vs);
        refuse(IEscrow.ExitPending.selector, time() + EXIT_DELAY);
        vm.prank(payer);
        escrow.depositAndReserve(1, session, new IEscrow.ReserveRow[](0));
    }

    function test_aLeavingPayerMayBeGivenBack() public {
        reserve(30);
        vm.prank(payer);
        escrow.requestExit();
        vm.prank(provider);
        escrow.release(payer);
        equal(free(), 100);
    }

    function test_aVoucherDiesWithItsEpoch() public {
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, payer, provider, 0, 40);
        depart();
        withdraw();
        (, uint256 skipped) = claim(row);
        equal(skipped, 1);
        vm.prank(payer);
        escrow.deposit(100, otherSession);
        (, skipped) = claim(row);
        equal(skipped, 1);
        equal(free(), 100);
    }

    function test_evenTheSameKeyRefusedTwiceCannotReviveAVoucher() public {
        IEscrow.ClaimRow memory row = voucher(SESSION_KEY, payer, provider, 0, 40);
        depart();
        withdraw();
        vm.prank(payer);
        escrow.deposit(100, otherSession);
        depart();
        withdraw();
        deposit(100);
        (, uint256 skipped) = claim(row);
        equal(skipped, 1);
    }

    function test_theNextDepositNamesANewSessionKey() public {
        depart();
        withdraw();
        refuse(IEscrow.SignerInvalid.selector, session);
        deposit(100);
        expectFrom(address(escrow));
        emit IEscrow.Deposited(payer, otherSession, 100, 1);
        vm.prank(payer);
        escrow.deposit(100, otherSession);
    }

    function test_theCounterGoesOnThroughAnExit() public {
        claim(40);
        depart();
        withdraw();
        vm.prank(payer);
        escrow.deposit(100, otherSession);
        equal(claimed(), 40);
        (uint256 paid,) = claim(voucher(OTHER_KEY, payer, provider, 1, 55));
        equal(paid, 15);
    }

    function test_aReservationLeftOutIsNotLost() public {
        reserve(30);
        depart();
        vm.startPrank(payer);
        escrow.withdraw(new address[](0));
        equal(token.balanceOf(payer), PLENTY - 30);
        equal(reserved(), 30);
        escrow.withdraw(list(provider));
        equal(token.balanceOf(payer), PLENTY);
        refuse(IEscrow.NothingToWithdraw.selector);
        escrow.withdraw(list(provider));
    }

    function test_aReservationLeftOutStandsInTheNextEpoch() public {
        reserve(30);
        depart();
        vm.startPrank(payer);
        escrow.withdraw(new address[](0));
        escrow.deposit(1, otherSession);
        refuse(IEscrow.ExitNotRequested.selector);
        escrow.withdraw(list(provider));
        vm.stopPrank();
        (uint256 paid,) = claim(voucher(OTHER_KEY, payer, provider, 1, 31));
        equal(paid, 31);
    }

    function test_namingAProviderTwiceTakesOnce() public {
        reserve(30);
        depart();
        address[] memory twice = new address[](2);
        (twice[0], twice[1]) = (provider, provider);
        vm.prank(payer);
        escrow.withdraw(twice);
        equal(token.balanceOf(payer), PLENTY);
    }

    function test_anEmptyAccountCanBeClosed() public {
        claim(100);
        depart();
        expectFrom(address(escrow));
        emit IEscrow.Withdrawn(payer, 0, 1);
        withdraw();
    }

    function test_anAccountClosed255TimesStaysClosed() public {
        withdrawAfterDelay();
        for (uint256 i = 1; i < 255; ++i) {
            vm.prank(payer);
            escrow.deposit(1, i % 2 == 1 ? otherSession : session);
            withdrawAfterDelay();
        }
        equal(token.balanceOf(payer), PLENTY);
        refuse(IEscrow.EpochsExhausted.selector, payer);
        vm.prank(payer);
        escrow.deposit(1, otherSession);
    }

    function test_aRotationIsAnnounced() public {
        expectFrom(address(escrow));
        emit IEscrow.RotationRequested(payer, otherSession, time() + EXIT_DELAY);
        rotateTo(otherSession);
        (address next, uint64 readyAt) = escrow.rotation(payer);
        equal(next, otherSession);
        equal(readyAt, time() + EXIT_DELAY);
    }

    function test_anyoneMayFinishARotationInTime() public {
        rotateTo(otherSession);
        vm.warp(time() + EXIT_DELAY);
        expectFrom(address(escrow));
        emit IEscrow.SignerRotated(payer, otherSession);
        vm.prank(rival);
        escrow.rotate(payer);
        (, uint256 skipped) = claim(40);
        equal(skipped, 1);
        (uint256 paid,) = claim(voucher(OTHER_KEY, payer, provider, 0, 40));
        equal(paid, 40);
        (address next,) = escrow.rotation(payer);
        equal(next, address(0));
    }

    function test_untilThenTheOldKeyCounts() public {
        rotateTo(otherSession);
        uint256 readyAt = time() + EXIT_DELAY;
        vm.warp(readyAt - 1);
        refuse(IEscrow.RotationNotReady.selector, readyAt);
        escrow.rotate(payer);
        (uint256 paid,) = claim(40);
        equal(paid, 40);
    }

    function test_aRotationNeedsARequest() public {
        refuse(IEscrow.RotationNotRequested.selector);
        escrow.rotate(payer);
        refuse(IEscrow.AccountClosed.selector, rival);
        escrow.rotate(rival);
        refuse(IEscrow.AccountClosed.selector, rival);
        vm.prank(rival);
        escrow.requestRotation(session);
    }

    function test_aRotationNeedsANewKey() public {
        refuse(IEscrow.SignerInvalid.selector, session);
        rotateTo(session);
        refuse(IEscrow.SignerInvalid.selector, address(0));
        rotateTo(address(0));
    }

    function test_aSecondRequestReplacesTheFirst() public {
        rotateTo(otherSession);
        vm.warp(time() + EXIT_DELAY);
        rotateTo(rival);
        refuse(IEscrow.RotationNotReady.selector, time() + EXIT_DELAY);
        escrow.rotate(payer);
    }

    function test_aRotationCannotLieInWaitAcrossAWithdrawal() public {
        rotateTo(rival);
        depart();
        withdraw();
        vm.prank(payer);
        escrow.deposit(100, otherSession);
        (address next, uint64 readyAt) = escrow.rotation(payer);
        equal(next, address(0));
        equal(readyAt, 0);
        refuse(IEscrow.RotationNotRequested.selector);
        escrow.rotate(payer);
    }

    function rotateTo(address signer) private {
        vm.prank(payer);
        escrow.requestRotation(signer);
    }

    function withdrawAfterDelay() private {
        depart();
        withdraw();
    }
}
