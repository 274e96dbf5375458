#!/bin/sh
# Builds xen-privcmd with CONFIG_XEN_PRIVCMD_EVENTFD, which Debian leaves out, from
# the source of the kernel that is being installed: build.sh TO. Runs in the new root.
set -e
cd "${0%/*}"
tar -xf /usr/src/linux-source-*.tar.xz --strip-components=3 --wildcards '*/drivers/xen/privcmd*.[ch]'
sed -i -e 's|(struct ioreq \*)(page_to_virt(pages\[0\]))|map_slots(ioeventfd->ioreq, ioeventfd->dom)|' \
	-e '/= map_slots(/{n; s|$|\n\tif (!kioreq->ioreq) {\n\t\tret = -EFAULT;\n\t\tgoto error_kfree;\n\t}|}' \
	-e '/^static void ioreq_free(/,/^}/s|\tkfree(kioreq);|\tunmap_slots(kioreq->ioreq);\n&|' privcmd.c
for call in ' = map_slots(' 'unmap_slots('; do
	grep -qF "$call" privcmd.c || { echo "privcmd.c: no place for $call"; exit 1; }
done
set -- "$1" /lib/modules/*
make -s -C "$2/build" M="$PWD" modules
cp xen-privcmd.ko "$1"
