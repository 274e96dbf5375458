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

// An hvm is a guest that a scenario has: its name in Xen's tools, and its files.
type hvm struct {
	name   string
	disk   string // in InDir
	serial string // in OutDir, as truth
	truth  string // what QEMU logs of the requests that it serves
}

// theGuest is the one that most scenarios have.
var theGuest = hvm{name: "guest", disk: GuestFile, serial: GuestSerial, truth: QEMUTruth}

// guestConfig is xl's configuration of a guest. Its device model is qemu-xen;
// "handle_ioreq" and its relatives make QEMU log each request it serves.
const guestConfig = `name = "%s"
type = "hvm"
memory = 64
vcpus = %d
hap = 1
disk = ["format=raw,vdev=hda,access=rw,backendtype=qdisk,target=` + InDir + `/%s"]
serial = "file:` + OutDir + `/%s"
vga = "stdvga"
vnc = 0
sdl = 0
usb = 0
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "preserve"
device_model_args = ["-trace", "enable=handle_ioreq*", "-D", "` + OutDir + `/%s"]
`

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

// create starts the guest and returns its id. It does not wait for its boot.
func (g hvm) create(vcpus int) (xen.DomID, error) {
	if err := g.writeConfig(vcpus); err != nil {
		return 0, err
	}
	if _, err := command("xl", "create", g.config()); err != nil {
		return 0, err
	}
	return domainID(g.name)
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

// config is where the guest's configuration is, for xl and for people.
func (g hvm) config() string { return "/lab/" + g.name + ".cfg" }

func (g hvm) writeConfig(vcpus int) error {
	return os.WriteFile(g.config(), fmt.Appendf(nil, guestConfig, g.name, vcpus, g.disk, g.serial, g.truth), 0o644)
}

// says waits for a line on the guest's serial port.
func (g hvm) says(line string) error {
	return until(fmt.Sprintf("%s to write %q to its serial port", g.name, line), func() error {
		b, err := os.ReadFile(filepath.Join(OutDir, g.serial))
		if err == nil && !strings.Contains(string(b), line+"\n") {
			err = fmt.Errorf("it has written %q", b)
		}
		return err
	})
}

// up waits until the guest obeys commands.
func (g hvm) up() error { return g.says(guest.UpLine) }

// ended waits until the guest has obeyed its last command.
func (g hvm) ended() error { return g.says(guest.EndLine) }

func (g hvm) destroy() error {
	_, err := command("xl", "destroy", g.name)
	return err
}

// ToolComm is the name of the process that useToolstack runs.
const ToolComm = "xentop"

// useToolstack makes some calls that are about no domain.
func useToolstack() error {
	_, err := command(ToolComm, "-b", "-i", "1")
	return err
}
