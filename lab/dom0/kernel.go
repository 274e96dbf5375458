package dom0

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// modulePath is where the lab's kernel module takes orders and shows its log.
const modulePath = "/proc/kmed"

// playKernel has a mediator inside the kernel serve the guest beside QEMU. The
// module is there before the recorder, as a driver's would be. A second recorder comes
// when it serves already.
func playKernel(r *run) error {
	return r.steps(
		step{"load the kernel module", loadModule},
		step{"start recorder", func() error {
			return r.startRecorderWith("--driver-profile", filepath.Join(InDir, ProfileFile))
		}},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start the kernel's mediator", r.startKernelSession},
		step{"start a late recorder", func() error { return r.startSecond("--driver-profile", filepath.Join(InDir, ProfileFile)) }},
		step{"end the late recorder", r.stopSecond},
		step{"wait for its end", r.endKernelSession},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"end recorder", r.endRecorder},
		step{"unload the kernel module", unloadModule},
	)
}

func loadModule() error {
	_, err := command("insmod", ModuleFile)
	return err
}

func unloadModule() error {
	_, err := command("rmmod", ModuleFile)
	return err
}

func (r *run) startKernelSession() error {
	return os.WriteFile(modulePath, fmt.Appendf(nil, "%d %d\n", r.domain, r.config.VCPUs), 0)
}

// endKernelSession waits for the last line of the module's log, its totals or an
// error, and keeps it all.
func (r *run) endKernelSession() error {
	const total, failure = `{"kind":"total"`, "error: "
	var log []byte
	err := until("the module to log its totals", func() (err error) {
		if log, err = os.ReadFile(modulePath); err == nil && !bytes.Contains(log, []byte(total)) && !bytes.Contains(log, []byte(failure)) {
			err = fmt.Errorf("its last line is %q", lastLine(log))
		}
		return err
	})
	r.say("kernel's mediator: %s", lastLine(log))
	if err == nil && !bytes.Contains(log, []byte(total)) {
		err = errors.New("it ended with an error: see " + KernelTruth)
	}
	return errors.Join(err, os.WriteFile(filepath.Join(OutDir, KernelTruth), log, 0o644))
}

func lastLine(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}
