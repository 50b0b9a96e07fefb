// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title Vouchers
/// @notice What session keys sign, and the check that they did. Holds no state.
abstract contract Vouchers is EIP712 {
    bytes32 private constant VOUCHER_TYPEHASH =
        keccak256("Voucher(address payer,address provider,uint64 epoch,uint128 cumulative)");

    bytes32 private constant RESERVATION_TYPEHASH =
        keccak256("Reservation(address payer,address provider,uint64 epoch,uint32 releases,uint128 cumulative)");

    constructor() EIP712("Parley", "1") {}

    function _voucherDigest(bytes32 separator, address payer, address provider, uint64 epoch, uint128 cumulative)
        internal
        pure
        returns (bytes32)
    {
        bytes32 structHash = keccak256(abi.encode(VOUCHER_TYPEHASH, payer, provider, epoch, cumulative));
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }

    function _reservationDigest(address payer, address provider, uint64 epoch, uint32 releases, uint128 cumulative)
        internal
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(RESERVATION_TYPEHASH, payer, provider, epoch, releases, cumulative))
        );
    }

    /// Plain ECDSA, never ERC-1271: a wallet that could change its mind about old signatures could void its debts.
    /// A closed account has the zero address as its signer, and no signature recovers to that.
    function _signedBy(address signer, bytes32 digest, bytes32 r, bytes32 vs) internal pure returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, r, vs);
        return failure == ECDSA.RecoverError.NoError && recovered == signer;
    }
}
