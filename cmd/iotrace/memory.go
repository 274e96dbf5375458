package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/store"
)

// ownMemory is what a capture takes without --flight, at most.
const ownMemory = 48 << 20

// flightMemory says, where a flight recorder that holds so many bytes could grow beyond
// what the process may have, that it could: "" if not. The kernel would end it while it
// writes a dump, when there may be as much again.
func flightMemory(root fs.FS, bytes uint64) string {
	need := ownMemory + 2*min(bytes, 1<<60)
	limit, what := memoryLimit(root)
	if what == "" || need <= limit {
		return ""
	}
	return fmt.Sprintf("--flight %s may need %s while a dump is written, and %s has %s: the kernel may end the capture then; give less to --flight, or more to the capture (a unit's MemoryMax=)",
		store.FormatSize(bytes), rounded(need), what, rounded(limit))
}

func rounded(bytes uint64) string { return store.FormatSize(bytes >> 20 << 20) }

// memoryLimit returns how much memory this process may have: that of the machine, or
// less if a control group says so. what names it, "" if nothing is known.
func memoryLimit(root fs.FS) (limit uint64, what string) {
	eachLine(root, "proc/meminfo", func(line string) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			if kib, err := strconv.ParseUint(f[1], 10, 40); err == nil {
				limit, what = kib<<10, "this machine"
			}
		}
	})
	eachLine(root, "proc/self/cgroup", func(line string) { // "0::/system.slice/x.service", before version 2 "4:memory:/x"
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			return
		}
		dir, file := "sys/fs/cgroup", "memory.max"
		switch {
		case f[1] == "memory":
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case f[0] != "0" || f[1] != "":
			return
		}
		for group := path.Clean("/" + f[2]); group != "/"; group = path.Dir(group) {
			b, _ := fs.ReadFile(root, path.Join(dir, group, file))
			if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil && (what == "" || n < limit) { // "max" is none
				limit, what = n, "its control group "+group
			}
		}
	})
	return limit, what
}

// eachLine calls f with each line of a file, if that is there.
func eachLine(root fs.FS, name string, f func(line string)) {
	file, err := root.Open(name)
	if err != nil {
		return
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		f(s.Text())
	}
}
