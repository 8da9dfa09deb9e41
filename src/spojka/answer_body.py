"""The body of a partner's answer, decompressed in pieces of bounded size.

httpx decompresses a whole piece at once, through as many layers as the
partner names: some kilobytes become gigabytes in memory before any limit is
asked. Here no step makes more than PIECE_MAX_BYTES.
"""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx

PIECE_MAX_BYTES: Final = 1024 * 1024
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW: Final = -zlib.MAX_WBITS
_HEADER_BYTES: Final = 2


async def body_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The pieces of the body; whoever reads counts them and stops at its limit.

    Raises httpx.DecodingError for another encoding than one layer of gzip or
    deflate (RFC 9110 §8.4.1), for a body that is not what it says, and for
    one that ends too early; httpx.HTTPError as httpx does.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        async for piece in response.aiter_raw():
            yield piece
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise httpx.DecodingError(
            f"the answer's encoding is {encoding[:40]!r}, not gzip or deflate"
        )
    inflater = _Inflater()
    async for packed in response.aiter_raw():
        for piece in inflater.pieces(packed):
            yield piece
    if not inflater.ended:
        raise httpx.DecodingError("the compressed answer ends too early")


class _Inflater:
    """Undoes gzip, or deflate with a zlib header or without one, as servers send either."""

    def __init__(self) -> None:
        self._head = b""
        self._inflater: zlib._Decompress | None = None

    @property
    def ended(self) -> bool:
        """Whether the end was met; also where there was nothing at all."""
        return not self._head if self._inflater is None else self._inflater.eof

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            self._head += packed
            if len(self._head) < _HEADER_BYTES:
                return
            packed = self._head
            self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB if _has_header(packed) else _RAW)
        while packed and not self._inflater.eof:
            try:
                yield self._inflater.decompress(packed, PIECE_MAX_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(f"the compressed answer is broken: {error}") from error
            packed = self._inflater.unconsumed_tail


def _has_header(packed: bytes) -> bool:
    # RFC 1952 §2.3.1 (gzip), RFC 1950 §2.2 (zlib). No encoder begins raw deflate so.
    is_zlib = packed[0] & 0x0F == zlib.DEFLATED and int.from_bytes(packed[:2]) % 31 == 0
    return packed.startswith(b"\x1f\x8b") or is_zlib
