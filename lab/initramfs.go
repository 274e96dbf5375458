package lab

import (
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bootModules are what mounting an ext4 root on a virtio disk takes, in
// dependency order. Kernels differ in which of them are built in or exist.
var bootModules = []string{
	"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk",
	"crc16", "mbcache", "crc32c_generic", "crc32c-cryptoapi", "libcrc32c", "jbd2", "ext4",
}

// writeInitramfs makes dom0's initramfs from a root tree: its busybox, its boot
// modules, our init.
func writeInitramfs(path, root string) error {
	busybox, err := os.ReadFile(filepath.Join(root, "usr/bin/busybox"))
	if os.IsNotExist(err) {
		busybox, err = os.ReadFile(filepath.Join(root, "bin/busybox"))
	}
	if err != nil {
		return fmt.Errorf("initramfs: %w", err)
	}
	files, err := moduleFiles(root)
	if err != nil {
		return fmt.Errorf("initramfs: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	c := &cpioWriter{w: z}
	for _, dir := range []string{"bin", "dev", "proc", "sys", "newroot", "lib", "lib/modules"} {
		c.add(dir, cpioDir, nil)
	}
	c.add("bin/busybox", cpioExec, busybox)
	c.add("init", cpioExec, []byte(initramfsInit))
	var order strings.Builder
	for _, m := range bootModules {
		if file, ok := files[m]; ok {
			data, err := readModule(file)
			if err != nil {
				return fmt.Errorf("initramfs: %w", err)
			}
			c.add("lib/modules/"+m+".ko", cpioFile, data)
			fmt.Fprintf(&order, "%s.ko\n", m)
		}
	}
	c.add("lib/modules/modules.order", cpioFile, []byte(order.String()))
	if err := c.close(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}

// moduleFiles maps module names to their files below a root tree.
func moduleFiles(root string) (map[string]string, error) {
	files := map[string]string{}
	dir := filepath.Join(root, "lib/modules")
	if real, err := filepath.EvalSymlinks(filepath.Join(root, "usr/lib/modules")); err == nil {
		dir = real // a merged /usr has lib as a link, which WalkDir does not enter
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if name, _, ok := strings.Cut(filepath.Base(p), ".ko"); ok && err == nil && !d.IsDir() {
			files[name] = p
		}
		return err
	})
	return files, err
}

// readModule returns a module's ELF bytes, unpacking .ko.xz.
func readModule(path string) ([]byte, error) {
	if !strings.HasSuffix(path, ".xz") {
		return os.ReadFile(path)
	}
	out, err := exec.Command("xz", "-dc", path).Output()
	if err != nil {
		return nil, fmt.Errorf("xz -dc %s: %w", path, err)
	}
	return out, nil
}
