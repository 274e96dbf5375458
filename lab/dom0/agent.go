package dom0

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Main plays the scenario of the payload's configuration and leaves its results
// in OutDir. Progress goes to console, each line with the lab's prefix, and to
// the agent's log.
func Main(console io.Writer) error {
	log, err := os.Create(filepath.Join(OutDir, AgentLog))
	if err != nil {
		return err
	}
	out := io.MultiWriter(console, log)
	r := &run{say: func(format string, args ...any) {
		for line := range strings.Lines(fmt.Sprintf(format, args...)) {
			fmt.Fprintln(out, "lab: "+strings.TrimRight(line, "\n"))
		}
	}}
	if err := r.main(console); err != nil {
		r.say("error: %v", err)
		_ = log.Close() // the scenario's error is the one to report
		return err
	}
	r.say("ok")
	return log.Close()
}

// beatEvery is how often beat writes. The host gives a machine up that is silent
// for much longer.
const beatEvery = 5 * time.Second

// beat shows that dom0 lives, as long as it does.
func beat(console io.Writer) {
	for range time.Tick(beatEvery) {
		fmt.Fprintln(console, "alive")
	}
}

func (r *run) main(console io.Writer) (err error) {
	if r.config, err = ReadConfig(filepath.Join(InDir, ConfigFile)); err != nil {
		return err
	}
	s, err := FindScenario(r.config.Scenario)
	if err != nil {
		return err
	}
	r.say("scenario %s", s.Name)
	if err := loadDrivers(s.EventFD); err != nil {
		return err
	}
	if err := setPath(); err != nil {
		return err
	}
	if err := startTools(); err != nil {
		return err
	}
	if s.play == nil {
		return r.shell()
	}
	go beat(console)
	err = s.play(r)
	r.stopAll()
	r.collect()
	if err != nil {
		return err
	}
	return r.writeFacts()
}

// shell hands the console over. Its exit ends the run.
func (r *run) shell() error {
	if err := theGuest.writeConfig(r.config.VCPUs); err != nil {
		return err
	}
	r.say("shell: xl create %s starts the guest; %s has our programs; exit powers off", theGuest.config(), InDir)
	tty, err := os.OpenFile("/dev/hvc0", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer tty.Close()
	cmd := exec.Command("setsid", "--ctty", "--wait", "bash", "-i")
	cmd.Env = append(os.Environ(), "PATH="+InDir+":"+os.Getenv("PATH"), "PS1=dom0# ")
	cmd.Dir = "/lab"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	_ = cmd.Run() // a shell's exit code is its last command's, no verdict on the run
	return nil
}

// writeFacts notes where the results come from.
func (r *run) writeFacts() error {
	info, err := command("xl", "info")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(OutDir, XenInfo), []byte(info), 0o644); err != nil {
		return err
	}
	facts := Facts{VCPUs: r.config.VCPUs, Domain: uint16(r.domain)}
	for line := range strings.Lines(info) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "xen_version":
			facts.Xen = strings.TrimSpace(value)
		case "release":
			facts.Linux = strings.TrimSpace(value)
		}
	}
	b, err := json.MarshalIndent(facts, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(OutDir, FactsFile), append(b, '\n'), 0o644)
}
