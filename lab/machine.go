package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// machine is one QEMU run: images, the run's own disks, and where its serial
// console goes.
type machine struct {
	images  Images
	cpus    int    // emulated, all of them dom0's as well
	counted bool   // see Options.Counted
	payload string // tar archive, second disk
	results string // empty file, third disk
	serial  string // QEMU chardev of COM1
}

// xenCmdline returns the command line of the hypervisor.
func (m machine) xenCmdline() string {
	// cpuidle=0: Xen's idle loop takes a fault on MONITOR/MWAIT under TCG.
	// noreboot: a panic stays readable; with QEMU's -no-reboot nothing loops.
	// dom0 gets a fixed size, so the guest never waits for ballooning.
	return "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all " +
		fmt.Sprintf("dom0_mem=2048M,max:2048M dom0_max_vcpus=%d cpuidle=0 noreboot=1", m.cpus)
}

// dom0Cmdline is the command line of dom0's kernel.
// tsc=reliable: no clocksource watchdog, which misfires on a loaded host.
// mitigations=off: they cost much under TCG and protect nothing here.
const dom0Cmdline = "root=/dev/vda console=hvc0 mitigations=off tsc=reliable quiet"

// args returns QEMU's command line.
func (m machine) args() []string {
	return append([]string{
		"-machine", "q35",
		"-accel", "tcg", // no KVM needed
		// TCG emulates AMD SVM with nested paging, so HVM guests have HAP. With
		// SMAP or SMEP a PV dom0 dies in its first page fault; MONITOR as above.
		// Without XSAVE there is no AVX: Xen switches its registers lazily, and on a
		// busy host a copy that a program in dom0 made through them was found to
		// have 128 bytes of zeros in the middle.
		"-cpu", "EPYC,+svm,+npt,-x2apic,-smap,-smep,-monitor,-xsave",
		"-smp", strconv.Itoa(m.cpus), "-m", "3072",
		"-no-reboot", "-nodefaults", "-display", "none", "-monitor", "none",
		// Multiboot: the hypervisor as kernel, dom0's kernel and initramfs as
		// its two modules; the first may carry its own command line.
		"-kernel", m.images.xen(), "-append", m.xenCmdline(),
		"-initrd", quoteOption(m.images.vmlinuz()) + " " + dom0Cmdline + "," + quoteOption(m.images.initramfs()),
		// vda: root, writes thrown away. vdb: payload. vdc: results.
		"-drive", "if=none,id=root,format=raw,snapshot=on,file=" + quoteOption(m.images.root()),
		"-device", "virtio-blk-pci,drive=root",
		"-drive", "if=none,id=payload,format=raw,readonly=on,file=" + quoteOption(m.payload),
		"-device", "virtio-blk-pci,drive=payload",
		"-drive", "if=none,id=results,format=raw,cache=unsafe,file=" + quoteOption(m.results),
		"-device", "virtio-blk-pci,drive=results",
		"-serial", m.serial,
	}, m.clock()...)
}

// clock returns the arguments that say what time is to the machine: the host's, or
// one nanosecond an instruction and nothing while it waits.
func (m machine) clock() []string {
	if !m.counted {
		return nil
	}
	return []string{"-icount", "shift=0,sleep=off"}
}

// quoteOption escapes a path inside a QEMU option, where a comma separates.
func quoteOption(path string) string { return strings.ReplaceAll(path, ",", ",,") }

// command returns the QEMU process, which dies with ctx.
func (m machine) command(ctx context.Context, stderr io.Writer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", m.args()...)
	cmd.Stderr = stderr
	return cmd
}

// run runs the machine until it powers off, copying the agent's lines from its
// serial log to progress as they appear. It kills a machine that has come to an end
// of another kind, and returns ErrPanic or errDead then.
func (m machine) run(ctx context.Context, serial string, progress io.Writer) error {
	var stderr bytes.Buffer
	cmd := m.command(ctx, &stderr)
	w, err := newWaker(cmd)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	shown, end := 0, error(nil)
	var p pulse
	for {
		select {
		case err := <-ended:
			showNew(serial, &shown, progress)
			if end != nil {
				return end
			}
			if ctx.Err() != nil {
				return fmt.Errorf("QEMU killed: %w", context.Cause(ctx))
			}
			return exitError(cmd, err, &stderr)
		case now := <-tick.C:
			if showNew(serial, &shown, progress) {
				end = ErrPanic
			} else if ticks, err := cpuTicks(cmd.Process.Pid); err == nil && p.lost(now, ticks, shown) {
				end = errDead
			} else if err == nil && p.weak(now) && w.wake(now) {
				fmt.Fprintln(progress, "xenlab: the machine gives no sign of life; sending it an interrupt")
			}
			if end != nil {
				tick.Stop()
				_ = cmd.Process.Kill() // it may just have ended
			}
		}
	}
}

// showNew writes the agent's lines of the serial log that were not shown yet, and
// says whether Xen has written that it panicked.
func showNew(serial string, shown *int, progress io.Writer) (panicked bool) {
	b, err := os.ReadFile(serial)
	if err != nil {
		return false // not there before QEMU starts; afterwards verdict reads it again
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	fmt.Fprint(progress, agentLines(string(whole[*shown:])))
	*shown = len(whole)
	return panicMark.Match(whole)
}

// ErrPanic says that the hypervisor died. Its last words are in the serial log.
var ErrPanic = errors.New("the hypervisor panicked")

// panicMark is the line that Xen writes between two of stars.
var panicMark = regexp.MustCompile(`(?m)^\(XEN\) Panic on CPU \d+:`)
