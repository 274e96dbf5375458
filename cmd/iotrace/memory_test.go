package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestFlightMemory(t *testing.T) {
	const machine = "MemTotal:        4194304 kB\nMemFree: 1 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		mib   uint64
		want  string // "" if it fits
	}{
		{"nothing known", nil, 1 << 20, ""},
		{"machine", map[string]string{"proc/meminfo": machine}, 2000, ""},
		{"more than the machine", map[string]string{"proc/meminfo": machine}, 2048, "may need 4144MiB while a dump is written, and this machine has 4GiB"},
		{"unit", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/system.slice/iotrace.service\n",
			"sys/fs/cgroup/system.slice/iotrace.service/memory.max": "268435456\n", "sys/fs/cgroup/system.slice/memory.max": "max\n",
		}, 64, ""},
		{"more than the unit", map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/system.slice/iotrace.service\n",
			"sys/fs/cgroup/system.slice/iotrace.service/memory.max": "268435456\n", "sys/fs/cgroup/system.slice/memory.max": "max\n",
		}, 128, "may need 304MiB while a dump is written, and its control group /system.slice/iotrace.service has 256MiB"},
		{"more than the slice", map[string]string{
			"proc/self/cgroup": "0::/system.slice/iotrace.service\n",
			"sys/fs/cgroup/system.slice/iotrace.service/memory.max": "max\n", "sys/fs/cgroup/system.slice/memory.max": "104857600\n",
		}, 64, "its control group /system.slice has 100MiB"},
		{"version 1", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a/b\n1:name=systemd:/c\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "104857600\n",
		}, 64, "its control group /a/b has 100MiB"},
		{"strange", map[string]string{"proc/meminfo": "MemTotal: lots kB\n", "proc/self/cgroup": "0::\nx\n0::/../..\n"}, 1 << 20, ""},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := flightMemory(root, c.mib<<20); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
