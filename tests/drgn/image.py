#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""image.py VMLINUZ OUT: the ELF file inside a bzImage: no symbols and no types, but the kernel's own ORC tables,
by which drgn walks stacks."""
import lzma
import struct
import subprocess
import sys
import zlib

try:
    from compression import zstd  # since Python 3.14
except ImportError:
    zstd = None

SETUP_SECTORS, PAYLOAD_OFFSET = 0x1f1, 0x248  # Documentation/arch/x86/boot.rst


def payload(image):
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = ((image[SETUP_SECTORS] or 4) + 1) * 512 + offset
    return image[start:start + length - 4]  # its size follows


def unpack(data):
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        if zstd:
            return zstd.decompress(data)
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(data)
    if data.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31).decompress(data)
    sys.exit(f"the kernel is packed in an unknown way: {data[:6].hex()}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as packed, open(sys.argv[2], "wb") as out:
        out.write(unpack(payload(packed.read())))
