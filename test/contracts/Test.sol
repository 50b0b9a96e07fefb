// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// The cheat codes these tests use.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address caller) external;
    function startPrank(address caller) external;
    function stopPrank() external;
    function getCode(string calldata artifact) external view returns (bytes memory);
    function warp(uint256 timestamp) external;
    function getBlockTimestamp() external view returns (uint256);
    function chainId(uint256 id) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes calldata data) external;
    function expectRevert() external;
    function expectEmit(bool one, bool two, bool three, bool data, address emitter) external;
}

/// What forge-std would bring, as far as it is needed.
abstract contract Test {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    error NotEqual(uint256 actual, uint256 expected);
    error NotTrue(string what);

    function equal(uint256 actual, uint256 expected) internal pure {
        if (actual != expected) revert NotEqual(actual, expected);
    }

    function equal(address actual, address expected) internal pure {
        equal(uint160(actual), uint160(expected));
    }

    function equal(bytes32 actual, bytes32 expected) internal pure {
        equal(uint256(actual), uint256(expected));
    }

    function isTrue(bool claim, string memory what) internal pure {
        if (!claim) revert NotTrue(what);
    }

    function bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        unchecked {
            uint256 size = most - least + 1;
            return size == 0 ? value : least + (value % size);
        }
    }

    /// Deploys by name. `new` would have the compiler optimize the whole contract once more for each test contract.
    function make(string memory artifact, bytes memory arguments) internal returns (address made) {
        bytes memory code = bytes.concat(vm.getCode(artifact), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    /// Block time, read anew each time: the optimizer takes `block.timestamp` for constant within a transaction.
    function time() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    /// The event that comes next must match in every topic and byte.
    function expectFrom(address emitter) internal {
        vm.expectEmit(true, true, true, true, emitter);
    }

    function refuse(bytes4 selector) internal {
        vm.expectRevert(abi.encodeWithSelector(selector));
    }

    function refuse(bytes4 selector, uint256 detail) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, detail));
    }

    function refuse(bytes4 selector, uint256 detail, uint256 more) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, detail, more));
    }

    function refuse(bytes4 selector, address detail) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, detail));
    }

    function refuse(bytes4 selector, address detail, address more) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, detail, more));
    }

    function compact(uint256 key, bytes32 digest) internal pure returns (bytes32 r, bytes32 vs) {
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(key, digest);
        return (r_, bytes32((uint256(v - 27) << 255) | uint256(s)));
    }
}
