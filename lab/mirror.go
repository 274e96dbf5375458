package lab

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// mirrorEnv names the variable that overrides the host's own mirror, for hosts
// whose apt does not point at Debian.
const mirrorEnv = "IOTRACE_LAB_MIRROR"

// debianSuites are the names under which a main archive of Debian appears in
// apt sources. A mirror that has one of them has the suites of every Release.
var debianSuites = []string{
	"bullseye", "bookworm", "trixie", "forky", "sid",
	"oldoldstable", "oldstable", "stable", "testing", "unstable",
}

// aptOptions are the settings of the host's apt that decide whether its mirror
// can be reached and trusted; mmdebstrap's own apt does not read them.
var aptOptions = []string{
	"Acquire::http::Proxy", "Acquire::https::Proxy",
	"Acquire::Check-Valid-Until", "Acquire::Check-Date",
}

// Mirror returns the URI of a Debian mirror: the one in IOTRACE_LAB_MIRROR, or
// the first one that the host's own apt uses.
func Mirror() (string, error) {
	if m := os.Getenv(mirrorEnv); m != "" {
		return m, nil
	}
	// apt reads sources.list and deb822 files alike, and reports both alike.
	out, err := exec.Command("apt-get", "indextargets",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w: the lab looks for a Debian mirror in the host's apt sources; set %s to a mirror's URI if there are none", err, mirrorEnv)
	}
	uri, ok := debianMirror(string(out))
	if !ok {
		return "", fmt.Errorf("apt sources: no Debian main archive among them; set %s to a mirror's URI", mirrorEnv)
	}
	return uri, nil
}

// debianMirror picks the first main archive of Debian from lines of the form
// "URI suite component".
func debianMirror(targets string) (uri string, ok bool) {
	sc := bufio.NewScanner(strings.NewReader(targets))
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) == 3 && f[2] == "main" && slices.Contains(debianSuites, f[1]) {
			return strings.TrimSuffix(f[0], "/"), true
		}
	}
	return "", false
}

// hostAptOptions returns the aptOptions that the host sets, in apt.conf syntax.
func hostAptOptions() ([]string, error) {
	var opts []string
	for _, name := range aptOptions {
		out, err := exec.Command("apt-config", "dump", "--no-empty", name).Output()
		if err != nil {
			return nil, fmt.Errorf("apt-config dump %s: %w", name, err)
		}
		for line := range strings.Lines(string(out)) {
			opts = append(opts, strings.TrimSpace(line))
		}
	}
	return opts, nil
}
