package dom0

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// everyUnits are the devices that DevicePolicy=closed leaves to a unit.
var everyUnits = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

// boundFiles gives the thread a view of the file system in which only its own folders
// can be written to and only the unit's devices be opened, and a network without links.
func (u unit) boundFiles() error {
	for key, want := range map[string]string{"ProtectSystem": "strict", "PrivateTmp": "yes", "PrivateNetwork": "yes", "DevicePolicy": "closed"} {
		if got, err := u.one(key); err != nil || got != want {
			return fmt.Errorf("%s: the lab plays %q, the unit has %q", key, want, got)
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := u.boundDevices(); err != nil {
		return err
	}
	for _, dir := range []string{"/tmp", "/root"} { // the latter for ProtectHome
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	dir, err := u.one("WorkingDirectory")
	if err != nil {
		return err
	}
	if err := bound("/", unix.MOUNT_ATTR_RDONLY, []string{"/dev", "/proc", "/sys", dir, filepath.Dir(metricsSocket)}); err != nil {
		return err
	}
	return os.Chdir(dir)
}

// boundDevices leaves of the devices those that the unit allows to be opened.
func (u unit) boundDevices() error {
	allowed := slices.Clone(everyUnits)
	for _, word := range u["DeviceAllow"] { // a path, then what is allowed
		if filepath.IsAbs(word) {
			allowed = append(allowed, word)
		}
	}
	allowed = slices.DeleteFunc(allowed, func(dev string) bool {
		_, err := os.Stat(dev)
		return errors.Is(err, fs.ErrNotExist)
	})
	return bound("/dev", unix.MOUNT_ATTR_NODEV, allowed)
}

// bound sets an attribute on the mounts from a folder down, but not on these places in
// it, which become mounts of their own.
func bound(root string, attr uint64, but []string) error {
	for _, place := range but {
		if err := unix.Mount(place, place, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, root, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr}); err != nil {
		return fmt.Errorf("%s: %w", root, err)
	}
	for _, place := range but {
		if err := unix.MountSetattr(unix.AT_FDCWD, place, unix.AT_RECURSIVE, &unix.MountAttr{Attr_clr: attr}); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	return nil
}
