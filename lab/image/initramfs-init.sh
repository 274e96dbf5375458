#!/bin/busybox sh
# First program of the lab's dom0: inserts the modules that the disks need, mounts
# the root, unpacks the run's payload and hands over to its init. modules.order lists
# the modules in dependency order; those built into a kernel are not in it.
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
while read -r m; do
	$B insmod "/lib/modules/$m" || echo "lab: error: insmod $m"
done </lib/modules/modules.order

# The disks appear when their driver has probed them. 300 turns bound the failure.
i=0
while [ ! -b /dev/vdc ] && [ $i -lt 300 ]; do
	$B usleep 100000
	i=$((i + 1))
done
die() {
	echo "lab: error: $1"
	echo o >/proc/sysrq-trigger
	while :; do $B sleep 1; done
}
$B mount -t ext4 -o rw /dev/vda /newroot || die "root disk: cannot mount /dev/vda as ext4"
$B mkdir -p /newroot/lab/in /newroot/lab/out
$B tar -xf /dev/vdb -C /newroot/lab/in || die "payload: cannot unpack /dev/vdb"
$B umount /proc /sys
$B mount --move /dev /newroot/dev
exec $B switch_root /newroot /lab/in/init
