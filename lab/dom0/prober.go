package dom0

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/diff/live"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// proberName is the prober's name in Xen's tools.
const proberName = "prober"

// proberConfigs are xl's configurations of the prober. An HVM domain can't be had
// without QEMU, so it begins with one; the prober takes the place of hvmloader.
var proberConfigs = map[diff.Kind]string{
	diff.PVH: `name = "` + proberName + `"
type = "pvh"
kernel = "` + InDir + "/" + ProberFile + `"
memory = 16
vcpus = %d
on_crash = "preserve"
`,
	diff.HVM: `name = "` + proberName + `"
type = "hvm"
firmware_override = "` + InDir + "/" + ProberFile + `"
memory = 32
vcpus = %d
hap = 1
vga = "stdvga"
vnc = 0
sdl = 0
usb = 0
on_crash = "preserve"
`,
}

// createProber makes a paused domain without ioreq servers.
func createProber(kind diff.Kind, vcpus int) (xen.DomID, error) {
	path := filepath.Join("/lab", string(kind)+".cfg")
	if err := os.WriteFile(path, fmt.Appendf(nil, proberConfigs[kind], vcpus), 0o644); err != nil {
		return 0, err
	}
	if _, err := command("xl", "create", "-e", "-p", path); err != nil {
		return 0, err
	}
	dom, err := domainID(proberName)
	if err == nil && kind == diff.HVM {
		err = destroyServer(dom, 0) // QEMU's
	}
	return dom, err
}

func destroyServer(dom xen.DomID, id xen.ServerID) error {
	c, err := dm.Open(dom, 1, nil)
	if err != nil {
		return err
	}
	_, err = c.Must(xen.DestroyIOReqServer{ID: id})
	return errors.Join(err, c.Close())
}

// unpauseProber lets the prober run. xl does not without QEMU, which then enables
// server 0 once more: it takes it for its own. After that nobody needs QEMU.
func unpauseProber(dom xen.DomID, kind diff.Kind) error {
	if _, err := command("xl", "unpause", proberName); err != nil || kind != diff.HVM {
		return err
	}
	out, err := command("xenstore-read", fmt.Sprintf("/local/domain/%d/image/device-model-pid", dom))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		return fmt.Errorf("QEMU's process id: %w", err)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// performOn performs a script on a domain of its own.
func performOn(s diff.Script) (got []diff.Outcome, err error) {
	dom, err := createProber(s.Kind, s.VCPUs)
	if err != nil {
		return nil, err
	}
	defer func() {
		if _, e := command("xl", "destroy", proberName); e != nil && err == nil {
			err = e
		}
	}()
	tracer, err := startP2MTrace(dom)
	if err != nil {
		return nil, err
	}
	got, err = runOn(dom, s)
	trace, e := endP2MTrace(tracer)
	if err = errors.Join(err, e); err != nil {
		return got, err
	}
	return got, live.Entries(s.Steps, got, trace, dom)
}

// runOn performs a script on a domain.
func runOn(dom xen.DomID, s diff.Script) (got []diff.Outcome, err error) {
	m, err := live.Open(dom, s.VCPUs, live.Control{
		Unpause: func() error { return unpauseProber(dom, s.Kind) },
		Crashed: proberCrashed,
	})
	if err != nil {
		return nil, err
	}
	got, err = m.Run(s)
	return got, errors.Join(err, m.Close())
}

// proberCrashed asks xl, whose list has a column of states such as "---sc-".
func proberCrashed() (bool, error) {
	out, err := command("xl", "list", proberName)
	if err != nil {
		return false, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	const state = 4
	if len(fields) <= state {
		return false, fmt.Errorf("xl list %s: want a state in column %d, got %q", proberName, state+1, out)
	}
	return strings.ContainsAny(fields[state], "sc"), nil
}
