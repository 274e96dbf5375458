package lab

import (
	"embed"
	"os"
	"path"
	"path/filepath"

	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// moduleSource is the lab's own kernel module, which is built for each release's
// dom0 kernel while its image is made.
//
//go:embed kmod/Kbuild kmod/kmed.c kmod/kmed.h
var moduleSource embed.FS

// moduleProfile describes the module to a recorder.
//
//go:embed kmod/kmed.profile
var moduleProfile []byte

// moduleParts are what decides how the module comes out.
func moduleParts() []string {
	parts := []string{buildModule}
	for _, name := range []string{"Kbuild", "kmed.c", "kmed.h"} {
		data, err := moduleSource.ReadFile("kmod/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		parts = append(parts, string(data))
	}
	return parts
}

// moduleDir is where the source lies in the root while the image is made.
const moduleDir = "/usr/src/kmod"

// buildModule runs in the new root, with its kernel's headers and compiler.
const buildModule = "set -e; set -- /lib/modules/*; make -s -C $1/build M=" + moduleDir + " modules; " +
	"cp " + moduleDir + "/kmed.ko " + dom0.ModuleFile

// moduleHooks writes the source below tmp and returns the arguments that have
// mmdebstrap build it.
func moduleHooks(tmp string) ([]string, error) {
	src := filepath.Join(tmp, "kmod")
	if err := os.CopyFS(tmp, moduleSource); err != nil {
		return nil, err
	}
	return []string{
		"--customize-hook=copy-in " + src + " " + path.Dir(moduleDir),
		"--customize-hook=chroot \"$1\" sh -c '" + buildModule + "'",
	}, nil
}
