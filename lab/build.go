package lab

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed image/initramfs-init.sh
var initramfsInit string

// rootExcludes are left out of the root image: device nodes (devtmpfs has them,
// and making them takes root), and bulk that no dom0 of the lab uses.
var rootExcludes = []string{
	"./dev/*", "./boot/initrd*", "./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*",
	"*/modules/*/kernel/sound", "*/modules/*/kernel/drivers/gpu", "*/modules/*/kernel/drivers/media",
	"*/modules/*/kernel/drivers/net", "*/modules/*/kernel/drivers/infiniband", "*/modules/*/kernel/drivers/staging",
	// What built the modules: see moduleHooks.
	"./usr/src/*", "./usr/include/*", "./usr/lib/gcc*", "./usr/libexec/gcc*", "./usr/lib/linux-kbuild*",
	"./usr/bin/x86_64-linux-gnu-*", "*/x86_64-linux-gnu/lib*san.so*",
}

// rootSize is the size of the root file system. The file is sparse.
const rootSize = "1600M"

// Images are the files that boot one release.
type Images struct {
	Release Release
	Dir     string // in the cache; read-only to everybody
}

// The files of an image directory.
func (im Images) xen() string       { return filepath.Join(im.Dir, "xen") }
func (im Images) vmlinuz() string   { return filepath.Join(im.Dir, "vmlinuz") }
func (im Images) initramfs() string { return filepath.Join(im.Dir, "initramfs.gz") }
func (im Images) root() string      { return filepath.Join(im.Dir, "root.img") }

// Build returns the release's images from the cache, making them first if they
// are not there. It writes what it does to log, and stops when ctx ends.
func Build(ctx context.Context, r Release, log io.Writer) (Images, error) {
	dir, err := CacheDir()
	if err != nil {
		return Images{}, err
	}
	mirror, err := Mirror()
	if err != nil {
		return Images{}, err
	}
	path, err := cached(dir, imageKey(r, mirror), func(tmp string) error {
		if err := checkTools(buildTools); err != nil {
			return err
		}
		return buildImages(ctx, r, mirror, tmp, log)
	})
	if err != nil {
		return Images{}, fmt.Errorf("image of Xen %s: %w", r, err)
	}
	return Images{Release: r, Dir: path}, nil
}

func buildImages(ctx context.Context, r Release, mirror, tmp string, log io.Writer) error {
	root := filepath.Join(tmp, "root")
	fmt.Fprintf(log, "xenlab: building Xen %s from %s, about a minute\n", r, mirror)
	if err := unpackRoot(ctx, r, mirror, root); err != nil {
		return err
	}
	im := Images{Release: r, Dir: tmp}
	if err := copyKernels(im, root); err != nil {
		return err
	}
	if err := writeInitramfs(im.initramfs(), root); err != nil {
		return err
	}
	mke2fs, err := lookTool("mke2fs")
	if err != nil {
		return err
	}
	err = run(exec.CommandContext(ctx, mke2fs, "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0",
		"-d", root, im.root(), rootSize))
	if err != nil {
		return err
	}
	return os.RemoveAll(root)
}

// unpackRoot has mmdebstrap make the suite's root and unpacks it below dir. Files
// belong to whoever runs this; dom0 runs everything as root and does not mind.
func unpackRoot(ctx context.Context, r Release, mirror, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	args := []string{"--variant=minbase", "--format=tar", "--quiet"}
	for _, p := range r.packages() {
		args = append(args, "--include="+p)
	}
	opts, err := hostAptOptions()
	if err != nil {
		return err
	}
	for _, o := range opts {
		args = append(args, "--aptopt="+o)
	}
	hooks, err := r.moduleHooks(filepath.Dir(dir))
	if err != nil {
		return err
	}
	args = append(args, hooks...)
	args = append(args, r.Suite, "-")
	for _, suite := range r.suites() {
		args = append(args, fmt.Sprintf("deb %s %s main", mirror, suite))
	}

	untarArgs := []string{"-x", "-C", dir, "--no-same-owner", "--wildcards"}
	for _, e := range rootExcludes {
		untarArgs = append(untarArgs, "--exclude="+e)
	}
	bootstrap := exec.CommandContext(ctx, "mmdebstrap", args...)
	untar := exec.CommandContext(ctx, "tar", untarArgs...)
	return pipe(bootstrap, untar)
}

// copyKernels copies dom0's kernel and unpacks the hypervisor, which QEMU's
// multiboot loader takes as a plain ELF file.
func copyKernels(im Images, root string) error {
	vmlinuz, err := only(filepath.Join(root, "boot/vmlinuz-*"))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(vmlinuz)
	if err != nil {
		return err
	}
	if err := os.WriteFile(im.vmlinuz(), data, 0o644); err != nil {
		return err
	}
	xen, err := only(filepath.Join(root, "boot/xen-"+im.Release.Xen+"-amd64.gz"))
	if err != nil {
		return err
	}
	f, err := os.Open(xen)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", xen, err)
	}
	if data, err = io.ReadAll(z); err != nil {
		return fmt.Errorf("%s: %w", xen, err)
	}
	return os.WriteFile(im.xen(), data, 0o644)
}

func only(pattern string) (string, error) {
	m, err := filepath.Glob(pattern)
	if err == nil && len(m) != 1 {
		err = fmt.Errorf("%s: want one file, got %d", pattern, len(m))
	}
	if err != nil {
		return "", err
	}
	return m[0], nil
}

// run runs cmd; its output is part of the error.
func run(cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return exitError(cmd, cmd.Run(), &out)
}

// pipe runs from | to. The error has both programs' last words: whichever
// stopped first may have made the other fail.
func pipe(from, to *exec.Cmd) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	var fromErr, toErr bytes.Buffer
	from.Stdout, from.Stderr = w, &fromErr
	to.Stdin, to.Stdout, to.Stderr = r, &toErr, &toErr
	if err := to.Start(); err != nil {
		return errors.Join(err, r.Close(), w.Close())
	}
	_ = r.Close() // the consumer has its own; ours would hide its death from the producer
	ferr := from.Run()
	_ = w.Close() // the consumer's end of file; it reports what it lacks
	return errors.Join(exitError(from, ferr, &fromErr), exitError(to, to.Wait(), &toErr))
}

func exitError(cmd *exec.Cmd, err error, out *bytes.Buffer) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, tail(out.String(), 20))
}
