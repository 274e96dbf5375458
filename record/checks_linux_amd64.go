package record

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
	"github.com/iotrace-xen/iotrace/record/driver"
	"golang.org/x/sys/unix"
)

const (
	privcmdPath = "/dev/xen/privcmd"
	evtchnPath  = "/dev/xen/evtchn"
)

// probedSymbols are the kernel functions that the probes hook. All are reached
// through pointers, so no compiler can have inlined them.
var probedSymbols = []string{"privcmd_ioctl", "privcmd_close", "evtchn_ioctl", "evtchn_read", "evtchn_write", "evtchn_interrupt"}

// Checks says what a capture needs and whether it is there, in the order in
// which it should be put right, and which drivers it would hook.
func Checks(drivers []driver.Profile) []Check {
	return slices.Concat(quickChecks(), []Check{checkTier(), checkPreemption(), checkSymbols(), checkEventFD()}, checkDrivers(drivers))
}

// quickChecks are all but the one that takes time, for Open to make first.
func quickChecks() []Check {
	return []Check{
		checkXen(), checkDom0(), checkPrivileges(), checkPIDNamespace(), checkKernel(), checkLockdown(),
		checkDevices(), checkMemlock(), checkBPF(), checkPerfBuffer(), checkLoops(), checkRingBuffer(), checkTimers(), checkKernelBTF(), checkModuleBTF(),
	}
}

func checkXen() Check {
	c := Check{Name: "xen", Try: "boot this machine under Xen"}
	c.Found = readLine("/sys/hypervisor/type")
	c.OK = c.Found == "xen"
	if c.Found == "" {
		c.Found = "no /sys/hypervisor/type"
	}
	return c
}

func checkDom0() Check {
	c := Check{Name: "dom0", Try: "run in dom0; if this is dom0, mount -t xenfs xenfs /proc/xen"}
	b, err := os.ReadFile("/proc/xen/capabilities")
	c.Found = strings.TrimSpace(string(b))
	c.OK = strings.Contains(c.Found, "control_d")
	if err != nil {
		c.Found = err.Error()
	} else if c.Found == "" {
		c.Found = "/proc/xen/capabilities is empty"
	}
	return c
}

func checkPrivileges() Check {
	c := Check{Name: "privileges", Try: "run as root"}
	c.Found = fmt.Sprintf("euid %d", os.Geteuid())
	c.OK = os.Geteuid() == 0
	return c
}

// checkPIDNamespace is about finding ourselves: the probes see the kernel's own
// process numbers.
func checkPIDNamespace() Check {
	const initNamespace = "pid:[4026531836]"
	c := Check{Name: "pid_namespace", Try: "run outside of containers"}
	ns, err := os.Readlink("/proc/self/ns/pid")
	c.Found, c.OK = ns, ns == initNamespace
	if err != nil {
		c.Found = err.Error()
	}
	return c
}

func checkKernel() Check {
	c := Check{Name: "kernel", Try: "use Linux 4.18 or later in dom0"}
	c.Found = kernelRelease()
	var major, minor int
	if _, err := fmt.Sscanf(c.Found, "%d.%d", &major, &minor); err == nil {
		c.OK = major > 4 || major == 4 && minor >= 18
	}
	return c
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

func checkLockdown() Check {
	c := Check{Name: "lockdown", OK: true, Found: "off", Try: "boot with lockdown=integrity or without Secure Boot"}
	if b, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil {
		c.Found = strings.TrimSpace(string(b))
		c.OK = !strings.Contains(c.Found, "[confidentiality]")
	}
	return c
}

func checkDevices() Check {
	c := Check{Name: "devices", OK: true, Found: "present", Try: "modprobe -a xen-privcmd xen-evtchn"}
	for _, p := range []string{privcmdPath, evtchnPath} {
		if _, err := os.Stat(p); err != nil {
			c.OK, c.Found = false, err.Error()
		}
	}
	return c
}

func checkSymbols() Check {
	c := Check{Name: "symbols", Try: "modprobe -a xen-privcmd xen-evtchn, then look in /proc/kallsyms"}
	want := map[string]bool{}
	for _, s := range probedSymbols {
		want[s] = true
	}
	there, err := kallsyms(want)
	if err != nil {
		c.Found = err.Error()
		return c
	}
	c.OK, c.Found = len(there) == len(want), "all present"
	for _, s := range probedSymbols {
		if _, ok := there[s]; !ok {
			c.Found = "no " + s
		}
	}
	return c
}

// checkEventFD says whether privcmd may answer requests by itself, which is recorded.
func checkEventFD() Check {
	const handler = "ioeventfd_interrupt"
	there, err := kallsyms(map[string]bool{handler: true})
	c := optional(errCheck("ioeventfd", err, "not in this kernel", "run as root"))
	if len(there) > 0 {
		c.Found = "in this kernel: hooks " + handler
	}
	return c
}

func checkMemlock() Check {
	return errCheck("memlock", rlimit.RemoveMemlock(), "unlimited", "ulimit -l unlimited")
}

func checkBPF() Check {
	return errCheck("bpf", features.HaveProgramType(ebpf.Kprobe), "kprobe programs load",
		"a kernel with CONFIG_BPF_SYSCALL and CONFIG_KPROBE_EVENTS")
}

func checkRingBuffer() Check {
	return optional(errCheck("ring_buffer", features.HaveMapType(ebpf.RingBuf), "present", forTierC))
}

const forTierC = "nothing: tier C does without"

func checkLoops() Check {
	return optional(errCheck("bounded_loops", features.HaveBoundedLoops(), "verified", forTierC))
}

const forTierB = "nothing: kprobes will be used (tier B)"

func checkTimers() Check {
	return optional(errCheck("timers", features.HaveProgramHelper(ebpf.SchedCLS, asm.FnTimerInit), "present", forTierB))
}

func optional(c Check) Check {
	c.Optional = true
	return c
}

func checkPerfBuffer() Check {
	return errCheck("perf_buffer", features.HaveMapType(ebpf.PerfEventArray), "present", "use Linux 4.18 or later in dom0")
}

func errCheck(name string, err error, found, try string) Check {
	c := Check{Name: name, OK: err == nil, Found: found, Try: try}
	if err != nil {
		c.Found = err.Error()
	}
	return c
}

func checkBTF(name, path string) Check {
	c := Check{Name: name, OK: true, Optional: true, Found: path, Try: forTierB}
	if _, err := os.Stat(path); err != nil {
		c.OK, c.Found = false, err.Error()
	}
	return c
}

func checkKernelBTF() Check { return checkBTF("kernel_btf", "/sys/kernel/btf/vmlinux") }

// checkModuleBTF also accepts drivers that are built in: their types are the
// kernel's.
func checkModuleBTF() Check {
	c := checkBTF("module_btf", "/sys/kernel/btf/xen_privcmd")
	if e := checkBTF("module_btf", "/sys/kernel/btf/xen_evtchn"); !e.OK {
		c = e
	}
	if _, err := os.Stat("/sys/module/xen_privcmd/sections"); c.OK || err == nil {
		return c
	}
	if devices := checkDevices(); devices.OK {
		c.OK, c.Found = true, "drivers are built in"
	} else {
		c.Found, c.Try = "drivers are not loaded", devices.Try
	}
	return c
}

// readLine returns the first line of a small file, "" if there is none.
func readLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}
