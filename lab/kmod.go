package lab

import (
	"embed"
	"io/fs"
	"os"
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

// privcmdSource is what it takes to build a kernel's own xen-privcmd with an option
// that Debian leaves out. Where the kernel's source is installed, this is done.
//
//go:embed privcmd
var privcmdSource embed.FS

// sourceDir is where the sources of modules lie in the root while the image is made,
// each in a folder of its own.
const sourceDir = "/usr/src"

// Commands that run in the new root, with its kernel's headers and compiler.
const (
	buildModule = "set -e; set -- /lib/modules/*; make -s -C $1/build M=" + sourceDir + "/kmod modules; " +
		"cp " + sourceDir + "/kmod/kmed.ko " + dom0.ModuleFile
	buildPrivcmd = "sh " + sourceDir + "/privcmd/build.sh " + dom0.PrivcmdFile
)

// A moduleBuild is a folder of sources and the command that builds it.
type moduleBuild struct {
	source  embed.FS
	dir     string
	command string
}

// modules are what is built for a release.
func (r Release) modules() []moduleBuild {
	builds := []moduleBuild{{moduleSource, "kmod", buildModule}}
	if r.EventFD() {
		builds = append(builds, moduleBuild{privcmdSource, "privcmd", buildPrivcmd})
	}
	return builds
}

// moduleParts are what decides how the modules come out.
func (r Release) moduleParts() (parts []string) {
	for _, b := range r.modules() {
		parts = append(parts, b.command)
		err := fs.WalkDir(b.source, b.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := b.source.ReadFile(path)
			parts = append(parts, string(data))
			return err
		})
		if err != nil {
			panic(err) // it is embedded
		}
	}
	return parts
}

// moduleHooks writes the sources below tmp and returns the arguments that have
// mmdebstrap build them.
func (r Release) moduleHooks(tmp string) (hooks []string, err error) {
	for _, b := range r.modules() {
		if err := os.CopyFS(tmp, b.source); err != nil {
			return nil, err
		}
		hooks = append(hooks, "--customize-hook=copy-in "+filepath.Join(tmp, b.dir)+" "+sourceDir,
			"--customize-hook=chroot \"$1\" sh -c '"+b.command+"'")
	}
	return hooks, nil
}
