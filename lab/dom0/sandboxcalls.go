package dom0

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// boundCalls loads what systemd makes of SystemCallFilter, MemoryDenyWriteExecute and
// RestrictAddressFamilies. A call that is not in the filter ends the process.
func (u unit) boundCalls() error {
	if families := u["RestrictAddressFamilies"]; !slices.Equal(families, []string{"AF_UNIX"}) || !slices.Equal(u["MemoryDenyWriteExecute"], []string{"yes"}) {
		return fmt.Errorf("the lab plays AF_UNIX alone and memory that is not both written and executed, the unit has %q and %q",
			families, u["MemoryDenyWriteExecute"])
	}
	groups, err := readCallGroups(filepath.Join(InDir, CallsFile))
	if err != nil {
		return err
	}
	names, err := groups.expand(u["SystemCallFilter"])
	if err != nil {
		return err
	}
	for _, p := range []seccomp.Policy{refused, {
		DefaultAction: seccomp.ActionKillProcess,
		Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: names}},
	}} {
		if err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Policy: p}); err != nil {
			return err
		}
	}
	return nil
}

// refused are arguments for which a unit's calls fail.
var refused = seccomp.Policy{
	DefaultAction: seccomp.ActionAllow,
	Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, NamesWithCondtions: []seccomp.NameWithConditions{
		{Name: "mmap", Conditions: seccomp.ArgumentConditions{bit(2, unix.PROT_WRITE), bit(2, unix.PROT_EXEC)}},
		{Name: "mprotect", Conditions: seccomp.ArgumentConditions{bit(2, unix.PROT_EXEC)}},
		{Name: "pkey_mprotect", Conditions: seccomp.ArgumentConditions{bit(2, unix.PROT_EXEC)}},
		{Name: "socket", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.NotEqual, Value: unix.AF_UNIX}}},
	}}},
}

func bit(argument uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.BitsSet, Value: value}
}

// callGroups are systemd's groups of system calls, by name. Members are calls and
// further groups.
type callGroups map[string][]string

// readCallGroups reads what "systemd-analyze syscall-filter" prints.
func readCallGroups(path string) (callGroups, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, group := callGroups{}, ""
	for line := range strings.Lines(string(b)) {
		switch name := strings.TrimSpace(line); {
		case name == "" || name[0] == '#':
		case line[0] == '@':
			group = name
		default:
			g[group] = append(g[group], name)
		}
	}
	return g, nil
}

// expand returns the calls of this machine that are in a list of calls and groups.
func (g callGroups) expand(list []string) (names []string, err error) {
	here, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for queue := slices.Clone(list); len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		members, isGroup := g[name]
		if _, ok := here.SyscallNames[name]; ok {
			names = append(names, name)
		} else if isGroup {
			queue = append(queue, members...)
		} else if name[0] == '@' {
			return nil, fmt.Errorf("group %q: not known to systemd here", name)
		} // else it is another machine's
	}
	return names, nil
}
