"""Keyed hashes in place of identifiers, made at the door; the archive never holds the identifiers themselves."""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from engine.errors import ArchiveError
from engine.said import Said
from indexer.durable import write_durably

KEY_BYTES = 32
DIGITS = 16


class Sealed(str):
    """A pseudonym in the place of an identifier; it stays as it is."""

    __slots__ = ()


@dataclass(frozen=True)
class Pseudonymiser:
    """HMAC-SHA256 of identifiers under a secret key of 32 bytes.

    One person keeps one pseudonym as long as the key and the issuer of the identifier stay; without the key nobody
    can find out which pseudonym an identifier has.
    """

    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ArchiveError(f"the pseudonym key has {len(self.key)} bytes, not {KEY_BYTES}; restore it from backup")

    def patient(self, identifier: str, issuer: str = "") -> str:
        """P and 16 hex digits; `issuer` keeps two hospitals' equal numbers apart."""
        return identifier if isinstance(identifier, Sealed) else "P" + self._digest("patient", issuer, identifier)

    def study(self, identifier: str) -> str:
        """S and 16 hex digits for a study's UID."""
        return identifier if isinstance(identifier, Sealed) else "S" + self._digest("study", "", identifier)

    def group(self, identifier: str, issuer: str = "") -> str:
        """G and 16 hex digits for a split group."""
        return "G" + self._digest("group", issuer, identifier)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that tell one key from another and give nothing of it away."""
        return self._digest("key", "", "")

    def _digest(self, kind: str, issuer: str, identifier: str) -> str:
        message = "\x1f".join((kind, issuer, identifier.strip())).encode()
        return hmac.new(self.key, message, sha256).hexdigest()[:DIGITS]


def load_key(path: Path, *, create: bool) -> Pseudonymiser:
    """The key kept in `path`, made there first (readable by its owner only) where `create` is set.

    Raises:
        ArchiveError: where there is none, or it is not a key.
    """
    if create and not path.exists():
        write_durably(path, secrets.token_hex(KEY_BYTES).encode(), mode=0o600)
    try:
        return Pseudonymiser(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except FileNotFoundError:
        told = "the pseudonym key {file} is missing; restore it from backup"
        raise ArchiveError(Said("no_key", told, file=path.name)) from None
    except ValueError:
        told = "{file} does not hold a pseudonym key; restore it from backup"
        raise ArchiveError(Said("strange_key", told, file=path.name)) from None
