#!/bin/sh
# Assembles guest.S into guest.img, a raw disk image. Same tools, same bytes.
set -e
clang-14 --target=i386-none-elf -c guest.S -o guest.o
ld.lld-14 -m elf_i386 -Ttext=0x7c00 --oformat=binary guest.o -o guest.img
chmod 644 guest.img
rm -f guest.o
