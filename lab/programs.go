package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/lab/guest"

	_ "embed"
)

//go:embed image/dom0-init.sh
var dom0Init string

//go:embed image/lab.service
var agentUnit string

// modulePath is where the programs that enter dom0 are built from, so runs take
// a checkout of this module (or a module that requires it) as working directory.
const modulePath = "github.com/iotrace-xen/iotrace"

// payloadFiles returns everything that a run needs inside, building its programs
// in dir.
func payloadFiles(ctx context.Context, o Options, dir string) ([]payloadFile, error) {
	plan, scripts, err := o.differ()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(dom0.Config{
		Scenario: o.Scenario, HasRecorder: o.Recorder != NoRecorder, Recorder: o.RecorderArgs, VCPUs: o.VCPUs, Counted: o.Counted, Differ: plan, Soak: o.Soak,
	})
	if err != nil {
		return nil, err
	}
	files := append(scripts, []payloadFile{
		{dom0.InitFile, 0o755, []byte(dom0Init)},
		{dom0.ConfigFile, 0o644, config},
		{dom0.GuestFile, 0o644, guest.Image},
		{dom0.ProfileFile, 0o644, moduleProfile},
		{dom0.ProberFile, 0o644, guest.Prober},
	}...)
	programs := map[string]string{
		dom0.AgentFile:    modulePath + "/lab/cmd/agent",
		dom0.MediatorFile: modulePath + "/lab/cmd/mediator",
	}
	if o.Recorder == "" {
		programs[dom0.RecorderFile] = modulePath + "/cmd/iotrace"
	}
	for name, pkg := range programs {
		path := filepath.Join(dir, name)
		if err := goBuild(ctx, pkg, path); err != nil {
			return nil, err
		}
		if files, err = addProgram(files, name, path); err != nil {
			return nil, err
		}
	}
	if o.Recorder != "" && o.Recorder != NoRecorder {
		if files, err = addProgram(files, dom0.RecorderFile, o.Recorder); err != nil {
			return nil, err
		}
	}
	if s, err := dom0.FindScenario(o.Scenario); err != nil || !s.Package {
		return files, err
	}
	return addPackage(ctx, files)
}

// addPackage makes the package that is installed in dom0, in the checkout's
// build folder, and has dom0 start systemd.
func addPackage(ctx context.Context, files []payloadFile) ([]payloadFile, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output()
	if err != nil {
		return nil, fmt.Errorf("package for dom0: where is %s: %w", modulePath, err)
	}
	top := strings.TrimSpace(string(dir))
	if err := run(exec.CommandContext(ctx, "make", "-C", top, "packages")); err != nil {
		return nil, fmt.Errorf("package for dom0: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(top, "build", dom0.PackageFile))
	if err != nil {
		return nil, err
	}
	return append(files, payloadFile{dom0.PackageFile, 0o644, data}, payloadFile{dom0.UnitFile, 0o644, []byte(agentUnit)}), nil
}

func addProgram(files []payloadFile, name, path string) ([]payloadFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return append(files, payloadFile{name, 0o755, data}), nil
}

// goBuild builds a program that runs in any dom0: static, for Linux on x86-64.
func goBuild(ctx context.Context, pkg, path string) error {
	// No VCS stamp: git refuses a checkout that belongs to another user.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if err := run(cmd); err != nil {
		return fmt.Errorf("program for dom0: %s: %w\n(run it inside a checkout of %s)", pkg, err, modulePath)
	}
	return nil
}
