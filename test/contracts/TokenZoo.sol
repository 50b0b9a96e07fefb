// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {TestToken} from "../../contracts/test/TestToken.sol";

/// Keeps one hundredth of every transfer between holders.
contract FeeToken is TestToken {
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) _burn(to, value / 100);
    }
}

/// Gives the receiver more than was sent, as a token rebasing upwards in the middle of a transfer would.
contract RebasingToken is TestToken {
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) _mint(to, 1);
    }
}

/// Says yes and moves nothing.
contract LyingToken is TestToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// Says no instead of reverting.
contract RefusingToken is TestToken {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// Reverts a permit with a megabyte, to exhaust whoever copies it.
contract BombToken is TestToken {
    function permit(address, address, uint256, uint256, uint8, bytes32, bytes32) public pure override {
        assembly ("memory-safe") {
            revert(0, 1000000)
        }
    }
}

/// Old tokens return nothing from transfer and transferFrom.
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Calls somebody back in the middle of a transfer, once, and remembers how that went.
contract CallbackToken is TestToken {
    address private _target;
    bytes private _call;
    bool public called;
    bytes4 public failure;

    function onNextTransfer(address target, bytes calldata call) external {
        (_target, _call, called, failure) = (target, call, false, 0);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target == address(0) || from == address(0)) return;
        address target = _target;
        (_target, called) = (address(0), true);
        (bool done, bytes memory answer) = target.call(_call);
        if (!done) failure = bytes4(answer);
    }
}
