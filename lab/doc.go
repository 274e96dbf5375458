// Package lab boots a real Xen on a machine that has none: Debian's hypervisor,
// a Debian dom0 and an HVM guest of our own, inside QEMU without KVM.
//
// Images finds or builds the files a release needs and keeps them in a cache.
// Run boots them, has the agent in dom0 play one scenario, and leaves what the
// scenario produced in a directory. Nothing here waits for a fixed time: every
// wait is for a line, a file or an exit, and its deadline only bounds failure.
//
// A root image holds Debian packages and one kernel module of ours (kmod), which
// only their kernel's headers and compiler can build. The image with the newest
// kernel has a second xen-privcmd, built from that kernel's source with eventfds
// (privcmd), which stock kernels of Debian lack. What changes from run to run
// (dom0's init, agent, recorder, guest disk, configuration) enters as a tar archive
// on a second disk, results leave as one on a third, so a cached image never goes
// stale with the code under test. The root disk is opened with its writes discarded:
// runs never see each other.
//
// QEMU's emulation now and then loses the timer of the machine, which then sleeps
// or spins for ever. Such a machine is told by its silence, measured in host CPU
// time. It is sent a key, and booted again if that does not wake it.
//
// Builds are atomic and may happen in several processes at once; runs share
// nothing but the cache. No function needs root. The environment is read in
// CacheDir and Mirror only.
package lab
