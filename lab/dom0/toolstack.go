package dom0

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// guestName is the guest's name in Xen's tools.
const guestName = "guest"

// guestConfig is xl's configuration of the guest. Its device model is qemu-xen;
// "handle_ioreq" and its relatives make QEMU log each request it serves.
const guestConfig = `name = "` + guestName + `"
type = "hvm"
memory = 64
vcpus = %d
hap = 1
disk = ["format=raw,vdev=hda,access=rw,backendtype=qdisk,target=` + InDir + "/" + GuestFile + `"]
serial = "file:` + OutDir + "/" + GuestSerial + `"
vga = "stdvga"
vnc = 0
sdl = 0
usb = 0
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "preserve"
device_model_args = ["-trace", "enable=handle_ioreq*", "-D", "` + OutDir + "/" + QEMUTruth + `"]
`

// configPath is where the guest's configuration is, for xl and for people.
const configPath = "/lab/guest.cfg"

// setPath puts Xen's versioned programs and libraries where exec finds them.
func setPath() error {
	dirs, err := filepath.Glob("/usr/lib/xen-[0-9]*/bin")
	if err != nil || len(dirs) != 1 {
		return fmt.Errorf("/usr/lib/xen-*/bin: want one folder with Xen's programs, got %d", len(dirs))
	}
	lib := filepath.Join(filepath.Dir(dirs[0]), "lib/x86_64-linux-gnu")
	if err := os.Setenv("LD_LIBRARY_PATH", lib); err != nil {
		return err
	}
	return os.Setenv("PATH", dirs[0]+":"+os.Getenv("PATH"))
}

// loadDrivers loads what Xen's tools and a recorder expect of dom0's kernel.
func loadDrivers(eventFD bool) error {
	if eventFD {
		if _, err := command("insmod", PrivcmdFile); err != nil {
			return err
		}
	}
	if _, err := command("modprobe", "-a", "xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs"); err != nil {
		return err
	}
	return syscall.Mount("xenfs", "/proc/xen", "xenfs", 0, "")
}

// command runs a program to its end and returns its standard output.
func command(argv ...string) (string, error) {
	var errOut strings.Builder
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(argv, " "), err, out, errOut.String())
	}
	return string(out), nil
}

// startTools starts what xl needs, in the order in which they need each other.
func startTools() error {
	if _, err := command("xenstored", "--pid-file", "/run/xenstored.pid"); err != nil {
		return err
	}
	err := until("xenstored to answer on its socket", func() error {
		c, err := net.Dial("unix", "/run/xenstored/socket")
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		return err
	}
	if _, err := command("xen-init-dom0"); err != nil {
		return err
	}
	_, err = command("xenconsoled", "--pid-file=/run/xenconsoled.pid")
	return err
}

// createGuest starts the guest and returns its id. It does not wait for its boot.
func createGuest(vcpus int) (xen.DomID, error) {
	if err := writeGuestConfig(vcpus); err != nil {
		return 0, err
	}
	if _, err := command("xl", "create", configPath); err != nil {
		return 0, err
	}
	return domainID(guestName)
}

// domainID returns the id of the domain with that name.
func domainID(name string) (xen.DomID, error) {
	out, err := command("xl", "domid", name)
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(out), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("xl domid %s: %w", name, err)
	}
	return xen.DomID(id), nil
}

func writeGuestConfig(vcpus int) error {
	return os.WriteFile(configPath, fmt.Appendf(nil, guestConfig, vcpus), 0o644)
}

// guestSays waits for a line on the guest's serial port.
func guestSays(line string) error {
	return until(fmt.Sprintf("the guest to write %q to its serial port", line), func() error {
		b, err := os.ReadFile(filepath.Join(OutDir, GuestSerial))
		if err == nil && !strings.Contains(string(b), line+"\n") {
			err = fmt.Errorf("it has written %q", b)
		}
		return err
	})
}

// guestUp waits until the guest obeys commands.
func guestUp() error { return guestSays(guest.UpLine) }

// guestEnded waits until the guest has obeyed its last command.
func guestEnded() error { return guestSays(guest.EndLine) }

// ToolComm is the name of the process that useToolstack runs.
const ToolComm = "xentop"

// useToolstack makes some calls that are about no domain.
func useToolstack() error {
	_, err := command(ToolComm, "-b", "-i", "1")
	return err
}

func destroyGuest() error {
	_, err := command("xl", "destroy", guestName)
	return err
}
