// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Stage} from "./Stage.sol";

contract EscrowDepositTest is Stage {
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant RECEIVE = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    function test_theConstructorRefusesWhatCannotWork() public {
        refuse(IEscrow.ContractInvalid.selector, address(1));
        makeEscrow(address(1), address(registry), 1);
        refuse(IEscrow.ContractInvalid.selector, address(2));
        makeEscrow(address(token), address(2), 1);
        refuse(IEscrow.ExitDelayInvalid.selector, 0);
        makeEscrow(address(token), address(registry), 0);
        refuse(IEscrow.ExitDelayInvalid.selector, 90 days + 1);
        makeEscrow(address(token), address(registry), 90 days + 1);
    }

    function test_theConstructorFixesItsArguments() public view {
        equal(address(escrow.token()), address(token));
        equal(address(escrow.registry()), address(registry));
        equal(escrow.exitDelay(), EXIT_DELAY);
    }

    function test_theDomainIsThisContractOnThisChain() public {
        bytes32 typehash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        for (uint256 chain = 31337; chain < 31339; ++chain) {
            vm.chainId(chain);
            bytes32 expected =
                keccak256(abi.encode(typehash, keccak256("Parley"), keccak256("1"), chain, address(escrow)));
            equal(escrow.DOMAIN_SEPARATOR(), expected);
        }
    }

    function test_theFirstDepositOpensTheAccount() public {
        expectFrom(address(escrow));
        emit IEscrow.Deposited(payer, session, 70, 0);
        deposit(70);
        (address signer, uint256 amount) = escrow.account(payer);
        equal(signer, session);
        equal(amount, 70);
        equal(token.balanceOf(address(escrow)), 70);
    }

    function test_aTopUpAddsToFreeMoney() public {
        deposit(70);
        deposit(5);
        equal(free(), 75);
    }

    function test_aTopUpMustNameTheCurrentSessionKey() public {
        deposit(70);
        refuse(IEscrow.SignerMismatch.selector, otherSession, session);
        vm.prank(payer);
        escrow.deposit(5, otherSession);
    }

    function test_anEmptyDepositIsRefused() public {
        refuse(IEscrow.AmountInvalid.selector, 0);
        deposit(0);
    }

    function test_anAccountHoldsWhatFitsAndNoMore() public {
        token.mint(payer, type(uint128).max);
        uint256 most = type(uint88).max;
        refuse(IEscrow.AmountInvalid.selector, most + 1);
        deposit(most + 1);
        deposit(most);
        refuse(IEscrow.AmountInvalid.selector, 1);
        deposit(1);
        equal(free(), most);
    }

    function test_theZeroAddressIsNoSessionKey() public {
        refuse(IEscrow.SignerInvalid.selector, address(0));
        vm.prank(payer);
        escrow.deposit(1, address(0));
    }

    function test_aPermitStandsInForTheAllowance() public {
        (uint8 v, bytes32 r, bytes32 s) = permit(70);
        vm.startPrank(payer);
        token.approve(address(escrow), 0);
        escrow.depositWithPermit(70, session, type(uint256).max, v, r, s);
        equal(free(), 70);
    }

    function test_aPermitSubmittedBySomebodyElseDoesNotStopTheDeposit() public {
        vm.prank(payer);
        token.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = permit(70);
        vm.prank(rival);
        token.permit(payer, address(escrow), 70, type(uint256).max, v, r, s);
        vm.prank(payer);
        escrow.depositWithPermit(70, session, type(uint256).max, v, r, s);
        equal(free(), 70);
    }

    function test_aWrongPermitFailsAtTheAllowance() public {
        vm.startPrank(payer);
        token.approve(address(escrow), 0);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), 0, 70)
        );
        escrow.depositWithPermit(70, session, type(uint256).max, 27, bytes32(uint256(1)), bytes32(uint256(1)));
    }

    function test_anyoneMayRelayAnAuthorization() public {
        (uint8 v, bytes32 r, bytes32 s) = authorization(70, session, "salt");
        expectFrom(address(escrow));
        emit IEscrow.Deposited(payer, session, 70, 0);
        vm.prank(rival);
        escrow.depositWithAuthorization(payer, 70, session, 0, type(uint256).max, "salt", v, r, s);
        equal(free(), 70);
        equal(token.balanceOf(address(escrow)), 70);
    }

    function test_aRelayerCannotChangeTheSessionKey() public {
        (uint8 v, bytes32 r, bytes32 s) = authorization(70, session, "salt");
        refuse(ERC3009.ERC3009InvalidSignature.selector);
        vm.prank(rival);
        escrow.depositWithAuthorization(payer, 70, otherSession, 0, type(uint256).max, "salt", v, r, s);
    }

    function test_anAuthorizationWorksOnce() public {
        (uint8 v, bytes32 r, bytes32 s) = authorization(70, session, "salt");
        escrow.depositWithAuthorization(payer, 70, session, 0, type(uint256).max, "salt", v, r, s);
        bytes32 nonce = escrow.authorizationNonce(payer, session, "salt");
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, payer, nonce));
        escrow.depositWithAuthorization(payer, 70, session, 0, type(uint256).max, "salt", v, r, s);
    }

    function test_anAuthorizationCannotBeUsedAroundTheEscrow() public {
        (uint8 v, bytes32 r, bytes32 s) = authorization(70, session, "salt");
        bytes32 nonce = escrow.authorizationNonce(payer, session, "salt");
        vm.expectRevert();
        vm.prank(rival);
        token.receiveWithAuthorization(payer, address(escrow), 70, 0, type(uint256).max, nonce, v, r, s);
    }

    function testFuzz_theNonceBindsPayerSignerAndSalt(address one, address two, bytes32 salt) public view {
        vm.assume(one != two);
        bytes32 nonce = escrow.authorizationNonce(one, two, salt);
        equal(uint64(uint256(nonce)), 0);
        isTrue(nonce != escrow.authorizationNonce(two, one, salt), "order matters");
        isTrue(nonce != escrow.authorizationNonce(one, two, ~salt), "salt matters");
    }

    function test_depositAndReserveOpensSeveralProviders() public {
        IEscrow.ReserveRow[] memory rows = new IEscrow.ReserveRow[](2);
        rows[0] = IEscrow.ReserveRow(provider, 30);
        rows[1] = IEscrow.ReserveRow(rival, 20);
        expectFrom(address(escrow));
        emit IEscrow.Reserved(payer, provider, 30);
        vm.prank(payer);
        escrow.depositAndReserve(70, session, rows);
        equal(free(), 20);
        equal(reserved(), 30);
        (, uint128 second,) = escrow.pair(payer, rival);
        equal(second, 20);
    }

    function test_depositAndReserveReservesNoMoreThanThereIs() public {
        IEscrow.ReserveRow[] memory rows = new IEscrow.ReserveRow[](1);
        rows[0] = IEscrow.ReserveRow(provider, 71);
        refuse(IEscrow.FreeTooLow.selector, 70, 71);
        vm.prank(payer);
        escrow.depositAndReserve(70, session, rows);
    }

    function testFuzz_depositsAddUp(uint64 first, uint64 second) public {
        (uint256 one, uint256 two) = (bound(first, 1, PLENTY / 2), bound(second, 1, PLENTY / 2));
        deposit(one);
        deposit(two);
        equal(free(), one + two);
        equal(token.balanceOf(address(escrow)), one + two);
    }

    function permit(uint256 amount) private view returns (uint8, bytes32, bytes32) {
        bytes32 structHash =
            keccak256(abi.encode(PERMIT, payer, address(escrow), amount, token.nonces(payer), type(uint256).max));
        return vm.sign(PAYER_KEY, tokenDigest(structHash));
    }

    function authorization(uint256 amount, address signer, bytes32 salt)
        private
        view
        returns (uint8, bytes32, bytes32)
    {
        bytes32 nonce = escrow.authorizationNonce(payer, signer, salt);
        bytes32 structHash =
            keccak256(abi.encode(RECEIVE, payer, address(escrow), amount, uint256(0), type(uint256).max, nonce));
        return vm.sign(PAYER_KEY, tokenDigest(structHash));
    }

    function tokenDigest(bytes32 structHash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
    }
}
