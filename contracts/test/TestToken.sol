// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @title A worthless dollar for development networks
/// @notice Shaped like USDC: 6 decimals, EIP-2612 permit, EIP-3009 authorizations. Anyone may mint, so it must never
/// stand in for money.
contract TestToken is ERC20, ERC20Permit, ERC3009 {
    constructor() ERC20("Parley Test Dollar", "PTD") ERC20Permit("Parley Test Dollar") {}

    /// @notice The faucet: as much as anybody wants.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice Six, as the stablecoins it stands in for.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
