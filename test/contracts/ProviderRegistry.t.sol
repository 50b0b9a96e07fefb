// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IProviderRegistry} from "../../contracts/interfaces/IProviderRegistry.sol";
import {Stage} from "./Stage.sol";

contract ProviderRegistryTest is Stage {
    string private constant ENDPOINT = "/ip4/203.0.113.7/tcp/4001";
    bytes32 private constant PEER = keccak256("peer");
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function test_theConstructorRefusesWhatCannotWork() public {
        refuse(IProviderRegistry.TokenInvalid.selector, address(1));
        makeRegistry(address(1), 1, 1);
        refuse(IProviderRegistry.UnbondingInvalid.selector, 0);
        makeRegistry(address(token), 1, 0);
        refuse(IProviderRegistry.UnbondingInvalid.selector, 365 days + 1);
        makeRegistry(address(token), 1, 365 days + 1);
        refuse(IProviderRegistry.AmountInvalid.selector, uint256(1) << 96);
        makeRegistry(address(token), uint256(1) << 96, 1);
    }

    function test_theConstructorFixesItsArguments() public view {
        equal(address(registry.token()), address(token));
        equal(registry.minStake(), MIN_STAKE);
        equal(registry.unbonding(), UNBONDING);
    }

    function test_aProviderRegisters() public {
        expectFrom(address(registry));
        emit IProviderRegistry.Registered(provider, session, payout, PEER, ENDPOINT, MIN_STAKE);
        register();
        IProviderRegistry.ProviderView memory self = registry.provider(provider);
        equal(self.provider, provider);
        equal(self.signer, session);
        equal(self.payout, payout);
        equal(self.stake, MIN_STAKE);
        equal(self.exitAt, 0);
        equal(self.peerId, PEER);
        equal(keccak256(bytes(self.endpoint)), keccak256(bytes(ENDPOINT)));
        equal(self.offerCount, 0);
        equal(registry.payoutOf(provider), payout);
        equal(registry.providerCount(), 1);
        equal(token.balanceOf(address(registry)), MIN_STAKE);
    }

    function test_aProviderMayBePaidItself() public {
        vm.prank(provider);
        registry.register(ENDPOINT, PEER, session, provider, MIN_STAKE);
        equal(registry.payoutOf(provider), provider);
        equal(registry.provider(provider).payout, provider);
    }

    function test_aPermitStandsInForTheAllowance() public {
        vm.prank(payer);
        token.approve(address(registry), 0);
        bytes32 structHash =
            keccak256(abi.encode(PERMIT, payer, address(registry), MIN_STAKE, uint256(0), type(uint256).max));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(PAYER_KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        vm.prank(payer);
        registry.registerWithPermit(ENDPOINT, PEER, session, payout, MIN_STAKE, type(uint256).max, v, r, s);
        equal(registry.provider(payer).stake, MIN_STAKE);
    }

    function test_aProviderRegistersOnce() public {
        register();
        refuse(IProviderRegistry.AlreadyRegistered.selector, provider);
        register();
    }

    function test_theStakeMustReachTheMinimumAndFit() public {
        vm.startPrank(provider);
        refuse(IProviderRegistry.StakeTooLow.selector, MIN_STAKE - 1, MIN_STAKE);
        registry.register(ENDPOINT, PEER, session, payout, MIN_STAKE - 1);
        refuse(IProviderRegistry.AmountInvalid.selector, uint256(1) << 96);
        registry.register(ENDPOINT, PEER, session, payout, uint256(1) << 96);
    }

    function test_theEndpointHasALength() public {
        vm.startPrank(provider);
        refuse(IProviderRegistry.EndpointInvalid.selector, 0);
        registry.register("", PEER, session, payout, MIN_STAKE);
        refuse(IProviderRegistry.EndpointInvalid.selector, 256);
        registry.register(string(new bytes(256)), PEER, session, payout, MIN_STAKE);
        registry.register(string(new bytes(255)), PEER, session, payout, MIN_STAKE);
    }

    function test_signerAndPayoutAreNeeded() public {
        vm.startPrank(provider);
        refuse(IProviderRegistry.SignerInvalid.selector);
        registry.register(ENDPOINT, PEER, address(0), payout, MIN_STAKE);
        refuse(IProviderRegistry.PayoutInvalid.selector);
        registry.register(ENDPOINT, PEER, session, address(0), MIN_STAKE);
    }

    function test_aProviderChangesWhereItIsReached() public {
        register();
        expectFrom(address(registry));
        emit IProviderRegistry.Updated(provider, otherSession, rival, bytes32(0), "https://inference.example.com");
        vm.prank(provider);
        registry.update("https://inference.example.com", bytes32(0), otherSession, rival);
        IProviderRegistry.ProviderView memory self = registry.provider(provider);
        equal(self.signer, otherSession);
        equal(self.payout, rival);
        equal(self.peerId, bytes32(0));
        equal(self.stake, MIN_STAKE);
        equal(keccak256(bytes(self.endpoint)), keccak256("https://inference.example.com"));
    }

    function test_strangersHaveNothingToChange() public {
        vm.startPrank(rival);
        refuse(IProviderRegistry.NotRegistered.selector, rival);
        registry.update(ENDPOINT, PEER, session, payout);
        refuse(IProviderRegistry.NotRegistered.selector, rival);
        registry.topUp(1);
        refuse(IProviderRegistry.NotRegistered.selector, rival);
        registry.requestExit();
        refuse(IProviderRegistry.NotRegistered.selector, rival);
        registry.withdraw();
        refuse(IProviderRegistry.NotRegistered.selector, rival);
        registry.setOffers(offers(1, 0));
        refuse(IProviderRegistry.NotRegistered.selector, rival);
        registry.provider(rival);
        equal(registry.payoutOf(rival), address(0));
    }

    function test_aStakeGrows() public {
        register();
        expectFrom(address(registry));
        emit IProviderRegistry.ToppedUp(provider, 5, MIN_STAKE + 5);
        vm.startPrank(provider);
        registry.topUp(5);
        equal(registry.provider(provider).stake, MIN_STAKE + 5);
        equal(token.balanceOf(address(registry)), MIN_STAKE + 5);
        refuse(IProviderRegistry.AmountInvalid.selector, 0);
        registry.topUp(0);
        refuse(IProviderRegistry.AmountInvalid.selector, type(uint96).max - MIN_STAKE);
        registry.topUp(type(uint96).max - MIN_STAKE);
    }

    function test_leavingTakesTheUnbondingTime() public {
        register();
        uint256 exitAt = time() + UNBONDING;
        vm.startPrank(provider);
        refuse(IProviderRegistry.ExitNotRequested.selector);
        registry.withdraw();
        expectFrom(address(registry));
        emit IProviderRegistry.ExitRequested(provider, exitAt);
        registry.requestExit();
        equal(registry.provider(provider).exitAt, exitAt);
        refuse(IProviderRegistry.ExitPending.selector, exitAt);
        registry.requestExit();
        refuse(IProviderRegistry.ExitPending.selector, exitAt);
        registry.topUp(1);
        refuse(IProviderRegistry.ExitPending.selector, exitAt);
        registry.setOffers(offers(1, 0));
        vm.warp(exitAt - 1);
        refuse(IProviderRegistry.StillUnbonding.selector, exitAt);
        registry.withdraw();
        vm.warp(exitAt);
        expectFrom(address(registry));
        emit IProviderRegistry.Withdrawn(provider, MIN_STAKE);
        registry.withdraw();
        equal(token.balanceOf(provider), PLENTY);
        equal(registry.providerCount(), 0);
        equal(registry.payoutOf(provider), address(0));
    }

    function test_whoLeftMayComeBack() public {
        register();
        leaveRegistry(provider);
        register();
        equal(registry.provider(provider).exitAt, 0);
        equal(registry.provider(provider).stake, MIN_STAKE);
    }

    function test_aRegistryWithoutAMinimumTakesNoStake() public {
        registry = makeRegistry(address(token), 0, UNBONDING);
        vm.prank(address(0x90));
        registry.register(ENDPOINT, PEER, session, payout, 0);
        leaveRegistry(address(0x90));
        equal(registry.providerCount(), 0);
    }

    function test_offersAreListedAndRepriced() public {
        register();
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = (bytes32(uint256(1)), bytes32(uint256(2)));
        expectFrom(address(registry));
        emit IProviderRegistry.OffersSet(provider, ids);
        vm.startPrank(provider);
        registry.setOffers(offers(2, 0));
        IProviderRegistry.OfferInput[] memory again = offers(1, 7);
        registry.setOffers(again);
        IProviderRegistry.OfferView memory one = registry.offer(provider, ids[0]);
        equal(one.modelId, ids[0]);
        equal(one.priceIn, 107);
        equal(one.priceOut, 307);
        equal(one.context, 131072);
        equal(one.capabilities, 5);
        equal(one.expiry, type(uint40).max);
        equal(one.version, 2);
        equal(registry.offer(provider, ids[1]).version, 1);
        equal(registry.provider(provider).offerCount, 2);
    }

    function test_anOfferVersionWrapsAround() public {
        register();
        vm.startPrank(provider);
        for (uint256 i; i < 256; ++i) {
            registry.setOffers(offers(1, i));
        }
        equal(registry.offer(provider, bytes32(uint256(1))).version, 0);
        equal(registry.provider(provider).offerCount, 1);
    }

    function test_anOfferMustOutliveItsListing() public {
        register();
        IProviderRegistry.OfferInput[] memory late = offers(1, 0);
        late[0].expiry = uint40(time());
        refuse(IProviderRegistry.OfferExpired.selector, 1, time());
        vm.prank(provider);
        registry.setOffers(late);
    }

    function test_offersHaveALimit() public {
        register();
        vm.startPrank(provider);
        registry.setOffers(offers(255, 0));
        equal(registry.provider(provider).offerCount, 255);
        IProviderRegistry.OfferInput[] memory more = offers(1, 0);
        more[0].modelId = "one too many";
        refuse(IProviderRegistry.TooManyOffers.selector);
        registry.setOffers(more);
        registry.setOffers(offers(255, 1));
    }

    function test_offersAreTakenOffTheList() public {
        register();
        vm.startPrank(provider);
        registry.setOffers(offers(3, 0));
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = bytes32(uint256(1));
        expectFrom(address(registry));
        emit IProviderRegistry.OffersRemoved(provider, ids);
        registry.removeOffers(ids);
        refuse(IProviderRegistry.OfferUnknown.selector, 1);
        registry.removeOffers(ids);
        refuse(IProviderRegistry.OfferUnknown.selector, 1);
        registry.offer(provider, ids[0]);
        (IProviderRegistry.OfferView[] memory page,) = registry.offers(provider, 0, 0);
        equal(page.length, 2);
        equal(page[0].modelId, bytes32(uint256(2)));
        equal(page[1].modelId, bytes32(uint256(3)));
    }

    function test_offersOutliveARegistration() public {
        register();
        vm.prank(provider);
        registry.setOffers(offers(2, 0));
        leaveRegistry(provider);
        register();
        equal(registry.provider(provider).offerCount, 2);
        bytes32[] memory ids = new bytes32[](2);
        (ids[0], ids[1]) = (bytes32(uint256(1)), bytes32(uint256(2)));
        vm.prank(provider);
        registry.removeOffers(ids);
        equal(registry.provider(provider).offerCount, 0);
    }

    function testFuzz_anOfferListStaysAsListed(uint256 seed) public {
        register();
        vm.startPrank(provider);
        bool[16] memory listed;
        for (uint256 i; i < 32; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 which = seed % 16;
            IProviderRegistry.OfferInput[] memory one = offers(1, which);
            one[0].modelId = bytes32(which + 1);
            bytes32[] memory ids = new bytes32[](1);
            ids[0] = one[0].modelId;
            if (listed[which]) registry.removeOffers(ids);
            else registry.setOffers(one);
            listed[which] = !listed[which];
        }
        (IProviderRegistry.OfferView[] memory page,) = registry.offers(provider, 0, 0);
        uint256 count;
        for (uint256 i; i < 16; ++i) {
            if (listed[i]) ++count;
        }
        equal(page.length, count);
        for (uint256 i; i < page.length; ++i) {
            uint256 which = uint256(page[i].modelId) - 1;
            isTrue(listed[which], "listed and on the page");
            equal(page[i].priceIn, 100 + which);
            listed[which] = false;
        }
    }

    function test_offersAreReadInPages() public {
        register();
        vm.prank(provider);
        registry.setOffers(offers(5, 0));
        (IProviderRegistry.OfferView[] memory page, uint256 next) = registry.offers(provider, 0, 2);
        equal(page.length, 2);
        equal(page[0].modelId, bytes32(uint256(5)));
        equal(next, 3);
        (page, next) = registry.offers(provider, next, 3);
        equal(page.length, 3);
        equal(page[2].modelId, bytes32(uint256(1)));
        equal(next, 0);
    }

    function test_anEmptyRegistryIsOnePage() public view {
        (IProviderRegistry.ProviderView[] memory page, uint256 next) = registry.providers(0, 10);
        equal(page.length, 0);
        equal(next, 0);
    }

    function test_aPageIsBounded() public {
        crowd(501);
        (IProviderRegistry.ProviderView[] memory page, uint256 next) = registry.providers(0, type(uint256).max);
        equal(page.length, 500);
        equal(next, 1);
        (page, next) = registry.providers(next, 0);
        equal(page.length, 1);
        equal(next, 0);
        equal(page[0].provider, who(0));
    }

    function testFuzz_pagesShowEveryProviderOnce(uint8 size, uint8 limit) public {
        uint256 many = bound(size, 1, 40);
        crowd(many);
        bool[] memory seen = new bool[](many);
        uint256 next;
        uint256 count;
        do {
            IProviderRegistry.ProviderView[] memory page;
            (page, next) = registry.providers(next, bound(limit, 1, 50));
            for (uint256 i; i < page.length; ++i) {
                uint256 index = uint160(page[i].provider) - uint160(who(0));
                isTrue(!seen[index], "seen once");
                seen[index] = true;
                ++count;
            }
        } while (next != 0);
        equal(count, many);
    }

    function testFuzz_aReaderMissesNobodyWhileOthersLeave(uint256 seed) public {
        crowd(12);
        bool[] memory seen = new bool[](12);
        bool[] memory gone = new bool[](12);
        uint256 next;
        do {
            IProviderRegistry.ProviderView[] memory page;
            (page, next) = registry.providers(next, 3);
            for (uint256 i; i < page.length; ++i) {
                seen[uint160(page[i].provider) - uint160(who(0))] = true;
            }
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 leaver = seed % 12;
            if (!gone[leaver]) leaveRegistry(who(leaver));
            gone[leaver] = true;
        } while (next != 0);
        for (uint256 i; i < 12; ++i) {
            isTrue(seen[i] || gone[i], "seen or gone");
        }
    }

    function crowd(uint256 size) private {
        registry = makeRegistry(address(token), 0, UNBONDING);
        for (uint256 i; i < size; ++i) {
            vm.prank(who(i));
            registry.register(ENDPOINT, PEER, session, payout, 0);
        }
    }

    function who(uint256 index) private pure returns (address) {
        return address(uint160(0x10000 + index));
    }

    function leaveRegistry(address account) private {
        vm.prank(account);
        registry.requestExit();
        vm.warp(time() + UNBONDING);
        vm.prank(account);
        registry.withdraw();
    }

    function offers(uint256 count, uint256 extra) private pure returns (IProviderRegistry.OfferInput[] memory list_) {
        list_ = new IProviderRegistry.OfferInput[](count);
        for (uint256 i; i < count; ++i) {
            list_[i] = IProviderRegistry.OfferInput({
                modelId: bytes32(i + 1),
                priceIn: uint80(100 + extra),
                priceOut: uint80(300 + extra),
                context: 131072,
                capabilities: 5,
                expiry: type(uint40).max
            });
        }
    }
}
