package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/iotrace-xen/iotrace/record"
)

// FuzzConfig gives record any file of flags: what it refuses is wrong usage, and says why.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		"", "output = \"x.iot\"\nfail-on-loss = true\n", "domain = [1, 2]\nring = \"files:3,time:1h\"\n", "flight = \"64MiB,10m\"\ntrigger = [\"claim\", \"filter:dom==1\"]\n",
		"time = 10\n", "time = 1979-05-27T07:32:00Z\n", "events = 1.5e300\n", "events = inf\n", "[ring]\nfiles = 3\n", "domain = [[1]]\n", "config = \"x\"\n", "help = true\n",
		"sample = \"1ms\"\nport = \"0x3f8-0x3ff\"\nsample-kind = \"ioreq:100\"\n", "output = \"\\u0000\\n\"\n", "x", "\xff", "events = -1\n",
	} {
		f.Add([]byte(s))
	}
	name := filepath.Join(f.TempDir(), "record.toml")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := recordCommand(func(record.Options) (source, error) { return source{}, errors.ErrUnsupported })
		err := applyConfig(cmd, name)
		var e *exitError
		if err != nil && (!errors.As(err, &e) || e.code != exitUsage || e.err.Error() == "") {
			t.Errorf("%q: %v", b, err)
		}
	})
}
