package dom0

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/iotrace-xen/iotrace/xen"
)

// bufferDevice is where Xen's libraries get memory for hypercalls, which no
// debugger can reach. Without it they use memory like any other.
const bufferDevice = "/dev/xen/hypercall"

// createAs is create with an id of our choice. xl has no flag for that:
// it is stopped in front of the hypercall that creates the domain, and the id is
// put in there, as a toolstack would. Of an id whose domain was destroyed in the same
// second libxl would make another domain, with whatever id comes, even without a timeout:
// it tells time by whole seconds.
func (g hvm) createAs(dom xen.DomID, vcpus int) error {
	if err := g.writeConfig(vcpus); err != nil {
		return err
	}
	if err := os.Rename(bufferDevice, bufferDevice+".hidden"); err != nil {
		return err
	}
	time.Sleep(time.Second)
	runtime.LockOSThread() // a thread is the debugger
	defer runtime.UnlockOSThread()
	var out strings.Builder
	cmd := exec.Command("xl", "create", g.config())
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "LIBXL_DOMID_REUSE_TIMEOUT=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	err := cmd.Start()
	if err == nil {
		err = chooseID(cmd.Process.Pid, dom)
	}
	if err = errors.Join(err, os.Rename(bufferDevice+".hidden", bufferDevice)); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("xl create %s: %w\n%s", g.config(), err, out.String())
	}
	if got, err := domainID(g.name); err != nil || got != dom {
		return fmt.Errorf("xl create %s: want domain %d, got %d, %v", g.config(), dom, got, err)
	}
	return nil
}

// chooseID lets a program run to its createdomain, and then go with that changed.
func chooseID(pid int, dom xen.DomID) error {
	for deliver := 0; ; {
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil {
			return fmt.Errorf("process %d: wait: %w", pid, err)
		}
		if !ws.Stopped() {
			return fmt.Errorf("process %d: it has created no domain: %#x", pid, ws)
		}
		if deliver = int(ws.StopSignal()); ws.StopSignal() == syscall.SIGTRAP {
			deliver = 0
			if done, err := putID(pid, dom); err != nil {
				return err
			} else if done {
				return syscall.PtraceDetach(pid)
			}
		}
		if err := syscall.PtraceSyscall(pid, deliver); err != nil {
			return fmt.Errorf("process %d: go on: %w", pid, err)
		}
	}
}

// putID writes the domain's id if the process is about to create one.
func putID(pid int, dom xen.DomID) (done bool, err error) {
	const createDomain, commandSize, idAt = 1, 4, 8 // of struct xen_domctl
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(pid, &r); err != nil {
		return false, err
	}
	call := make([]byte, 16)
	if r.Orig_rax != syscall.SYS_IOCTL || xen.Ioctl(r.Rsi) != xen.PrivcmdHypercall {
		return false, nil
	}
	if _, err := syscall.PtracePeekData(pid, uintptr(r.Rdx), call); err != nil {
		return false, fmt.Errorf("process %d: its hypercall: %w", pid, err)
	}
	if xen.Hypercall(binary.LittleEndian.Uint64(call)) != xen.HyperDomctl {
		return false, nil
	}
	control := uintptr(binary.LittleEndian.Uint64(call[8:]))
	command := make([]byte, commandSize)
	if _, err := syscall.PtracePeekData(pid, control, command); err != nil {
		return false, fmt.Errorf("process %d: its domctl: %w", pid, err)
	}
	if binary.LittleEndian.Uint32(command) != createDomain {
		return false, nil
	}
	_, err = syscall.PtracePokeData(pid, control+idAt, binary.LittleEndian.AppendUint16(nil, uint16(dom)))
	return true, err
}
