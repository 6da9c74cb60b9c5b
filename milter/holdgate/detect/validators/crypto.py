"""Addresses of cryptographic currencies: Base58Check, Bech32, EIP-55."""

import hashlib

from Cryptodome.Hash import keccak
from stdnum import bitcoin

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_BASE58)}
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
    """Whether it is an address in Base58Check or Bech32 (BIP 173)."""
    return bool(bitcoin.is_valid(value))


def ethereum(value: str) -> bool:
    """Whether 0x and 40 hexadecimal digits can be an address: more than four different ones, in the right case.

    EIP-55: a letter is a capital where the Keccak-256 of the address in lower case has a digit above 7. An address
    whose letters are all small or all capitals has no check.
    """
    digits = value[2:]
    lower = digits.lower()
    if len(set(lower)) <= 4:
        return False
    if digits in (lower, digits.upper()):
        return True
    check = keccak.new(digest_bits=256, data=lower.encode()).hexdigest()
    return all(
        character.isupper() == (nibble > "7")
        for character, nibble in zip(digits, check, strict=False)
        if character.isalpha()
    )
