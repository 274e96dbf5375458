#!/bin/sh
# Assembles guest.S into guest.img, a raw disk image, and prober.S into prober.elf,
# a kernel. Same tools, same bytes.
set -e
clang-14 --target=i386-none-elf -c guest.S -o guest.o
ld.lld-14 -m elf_i386 -Ttext=0x7c00 --oformat=binary guest.o -o guest.img
clang-14 --target=i386-none-elf -c prober.S -o prober.o
ld.lld-14 -m elf_i386 --image-base=0x100000 --strip-all prober.o -o prober.elf
chmod 644 guest.img prober.elf
rm -f guest.o prober.o
