// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {IProviderRegistry} from "../../contracts/interfaces/IProviderRegistry.sol";
import {TestToken} from "../../contracts/test/TestToken.sol";
import {Stage} from "./Stage.sol";
import {CallbackToken} from "./TokenZoo.sol";

contract EscrowTokensTest is Stage {
    function test_aTokenThatKeepsAFeeIsRefused() public {
        stageWith(makeToken("TokenZoo.sol:FeeToken"));
        refuse(IEscrow.TokenUnsupported.selector, 1000, 990);
        deposit(1000);
        refuse(IProviderRegistry.TokenUnsupported.selector, MIN_STAKE, MIN_STAKE - MIN_STAKE / 100);
        register();
    }

    function test_aTokenThatRebasesIsRefused() public {
        stageWith(makeToken("TokenZoo.sol:RebasingToken"));
        refuse(IEscrow.TokenUnsupported.selector, 1000, 1001);
        deposit(1000);
        refuse(IProviderRegistry.TokenUnsupported.selector, MIN_STAKE, MIN_STAKE + 1);
        register();
    }

    function test_aTokenThatLiesIsRefused() public {
        stageWith(makeToken("TokenZoo.sol:LyingToken"));
        refuse(IEscrow.TokenUnsupported.selector, 1000, 0);
        deposit(1000);
    }

    function test_aTokenThatSaysNoIsHeard() public {
        stageWith(makeToken("TokenZoo.sol:RefusingToken"));
        refuse(SafeERC20.SafeERC20FailedOperation.selector, address(token));
        deposit(1000);
    }

    function test_aTokenThatReturnsNothingWorks() public {
        stageWith(makeToken("TokenZoo.sol:SilentToken"));
        deposit(1000);
        claim(400);
        depart();
        withdraw();
        equal(token.balanceOf(payer), PLENTY - 400);
        register();
        equal(token.balanceOf(address(registry)), MIN_STAKE);
    }

    function test_aPermitThatExplodesDoesNotStopADeposit() public {
        stageWith(makeToken("TokenZoo.sol:BombToken"));
        vm.prank(payer);
        escrow.depositWithPermit(1000, session, 0, 27, bytes32(0), bytes32(0));
        equal(free(), 1000);
        vm.prank(provider);
        registry.registerWithPermit("/a", 0, session, payout, MIN_STAKE, 0, 27, bytes32(0), bytes32(0));
        equal(registry.providerCount(), 1);
    }

    function test_aCallbackCannotEnterTwice() public {
        CallbackToken callback = CallbackToken(address(makeToken("TokenZoo.sol:CallbackToken")));
        stageWith(callback);
        deposit(1000);
        bytes[4] memory calls = [
            abi.encodeCall(IEscrow.deposit, (1, session)),
            abi.encodeCall(IEscrow.depositAndReserve, (1, session, new IEscrow.ReserveRow[](0))),
            abi.encodeCall(IEscrow.claim, (provider, new IEscrow.ClaimRow[](0))),
            abi.encodeCall(IEscrow.withdraw, (new address[](0)))
        ];
        for (uint256 i; i < calls.length; ++i) {
            callback.onNextTransfer(address(escrow), calls[i]);
            deposit(10);
            expectGuarded(callback);
            callback.onNextTransfer(address(escrow), calls[i]);
            claim(uint128(10 * (i + 1)));
            expectGuarded(callback);
        }
        register();
        callback.onNextTransfer(address(registry), abi.encodeCall(IProviderRegistry.withdraw, ()));
        vm.prank(provider);
        registry.topUp(5);
        expectGuarded(callback);
    }

    function test_whatACallbackSeesIsWhatWillBe() public {
        CallbackToken callback = CallbackToken(address(makeToken("TokenZoo.sol:CallbackToken")));
        stageWith(callback);
        deposit(1000);
        callback.onNextTransfer(address(this), abi.encodeCall(this.expectClaimed, (400)));
        claim(400);
        isTrue(callback.called() && callback.failure() == 0, "the callback saw the money gone already");
    }

    function expectClaimed(uint256 amount) external view {
        equal(claimed(), amount);
        equal(free(), 1000 - amount);
    }

    function expectGuarded(CallbackToken callback) private view {
        isTrue(callback.called(), "called back");
        equal(
            bytes32(callback.failure()),
            bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    function stageWith(TestToken other) private {
        token = other;
        registry = makeRegistry(address(other), MIN_STAKE, UNBONDING);
        escrow = makeEscrow(address(other), address(registry), EXIT_DELAY);
        fund(payer);
        fund(provider);
        fund(rival);
    }
}
