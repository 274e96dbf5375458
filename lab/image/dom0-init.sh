#!/bin/sh
# PID 1 of the lab's dom0, part of the run's payload. Mounts what Xen's tools and a
# recorder expect, runs the agent, packs the results onto the third disk and
# powers off. Policy is in the agent. Where the payload has a unit of the agent,
# systemd becomes PID 1 and starts this again with "play".
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=${TERM:-linux}

play() {
	echo "lab: dom0 up, Linux $(uname -r)"
	/lab/in/agent
	echo "lab: agent exit $?"
	tar -cf /dev/vdc -C /lab/out . || echo "lab: error: results: cannot write the third disk"
	sync
	echo "lab: power off"
	echo o >/proc/sysrq-trigger
	while :; do sleep 1; done
}
[ "$1" != play ] || play

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir -p /run/lock /run/xen /run/xenstored /var/log/xen /var/lib/xen /dev/pts /dev/shm
mount -t devpts devpts /dev/pts # xl waits for a console's pty
mount -t tmpfs shm /dev/shm
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf
ip link set lo up 2>/dev/null

[ -e /lab/in/lab.service ] || play
echo "lab: systemd starts" # which takes a while, and the host listens for signs of life
mkdir -p /run/systemd/system /run/systemd/system.conf.d
cp /lab/in/lab.service /run/systemd/system/
echo "[Manager]
DefaultTimeoutStartSec=15min" >/run/systemd/system.conf.d/lab.conf # the host may be slow
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id # else it is a first boot, which enables every unit
exec /lib/systemd/systemd --unit=lab.service
