"""Blanks the debugging sections of a shared library, as `strip` would, for any processor.

One of the locked wheels ships four megabytes of them. Zeros keep all offsets and vanish in the zip.
"""

import struct
from pathlib import Path

_MAGIC_64_BIT_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
#: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_SECTION_TABLE = struct.Struct("<Q")  # e_shoff, at 0x28
_SECTION_COUNTS = struct.Struct("<HHH")  # e_shentsize, e_shnum, e_shstrndx, at 0x3A
_SECTION = struct.Struct("<IIQQQQ")  # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size

_HOLDS_NOTHING = {0, 8}  # SHT_NULL, SHT_NOBITS
_LOADED = 2  # SHF_ALLOC


def blank_debugging(file: Path) -> int:
    """Write zeros over every section that no program loads; return how many bytes."""
    content = bytearray(file.read_bytes())
    if not content.startswith(_MAGIC_64_BIT_LITTLE_ENDIAN):
        return 0
    (table,) = _SECTION_TABLE.unpack_from(content, 0x28)
    entry_size, count, names = _SECTION_COUNTS.unpack_from(content, 0x3A)
    blanked = 0
    for index in range(count):
        entry = table + index * entry_size
        _, kind, flags, _, offset, size = _SECTION.unpack_from(content, entry)
        if index != names and kind not in _HOLDS_NOTHING and not flags & _LOADED:
            content[offset : offset + size] = bytes(size)
            blanked += size
    file.write_bytes(content)
    return blanked
