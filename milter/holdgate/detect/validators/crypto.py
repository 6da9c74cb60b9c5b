"""Addresses of cryptographic currencies: Base58Check, Bech32, EIP-55."""

import hashlib

from Cryptodome.Hash import keccak
from stdnum import bitcoin

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_BASE58)}
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_RIPPLE = str.maketrans("rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz", _BASE58)


def base58check(value: str) -> bool:
    """Whether 25 bytes in Base58 end with the first four of their double SHA-256 (Bitcoin, Litecoin, Tron)."""
    number = 0
    for character in value:
        digit = _VALUES.get(character)
        if digit is None:
            return False
        number = number * 58 + digit
    if number >> 200:
        return False
    data = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]


def ripple(value: str) -> bool:
    """Whether it is an address of the XRP ledger, whose Base58 has its letters in another order."""
    return base58check(value.translate(_RIPPLE))


def bitcoin_address(value: str) -> bool:
    """Whether it is an address in Base58Check, Bech32 (BIP 173) or, for Taproot and later, Bech32m (BIP 350)."""
    # python-stdnum uses the older checksum for all versions.
    return _bech32m(value) if value.startswith("bc1") and value[3:4] != "q" else bool(bitcoin.is_valid(value))


def _bech32m(value: str) -> bool:
    """Whether it is an address of witness version 1 to 16 with its checksum (BIP 350)."""
    if len(value) > 90:
        return False
    data = [_BECH32.find(character) for character in value[3:]]
    if len(data) < 7 or min(data) < 0 or not 1 <= data[0] <= 16:
        return False
    check = 1
    for five_bits in (3, 3, 0, 2, 3, *data):  # "bc", expanded
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ five_bits
        for index, generator in enumerate(_BECH32_GENERATORS):
            check ^= generator if top >> index & 1 else 0
    return check == _BECH32M


def ethereum(value: str) -> bool:
    """Whether 0x and 40 hexadecimal digits can be an address: more than four different ones, in the right case.

    EIP-55: a letter is a capital if the Keccak-256 of the address in lower case has a digit above 7. An address
    whose letters are all small or all capitals has no check.
    """
    digits = value[2:]
    lower = digits.lower()
    if len(set(lower)) <= 4:
        return False
    return digits in (lower, digits.upper()) or ethereum_checked(value)


def ethereum_checked(value: str) -> bool:
    """Whether 0x and 40 hexadecimal digits, in letters of both cases, have the check of EIP-55."""
    digits = value[2:]
    lower = digits.lower()
    if digits in (lower, digits.upper()):
        return False
    check = keccak.new(digest_bits=256, data=lower.encode()).hexdigest()
    return all(
        character.isupper() == (nibble > "7")
        for character, nibble in zip(digits, check, strict=False)
        if character.isalpha()
    )
