package dom0

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// firstGuest is the id that Xen's tools give the first guest of a boot.
const firstGuest xen.DomID = 1

// MediatorChoice is what the second recorder of scenario mediator is told to record:
// of the guest, what the mediator's server has to do with some ports and two pages.
var MediatorChoice = format.Choice{
	Domains: []xen.DomID{firstGuest},
	Servers: []xen.ServerID{1}, // QEMU's is 0
	Ports:   []format.Span{{First: guest.PortScratch + 1, Last: guest.PortEnd}},
	GFNs:    []format.Span{frame(guest.MMIO), frame(guest.VGA)},
	Sampled: map[string]uint32{"evtchn_interrupt": 3},
}

// LateChoice is what the second recorder of scenario late is told to record, of the
// mediator's process alone.
var LateChoice = format.Choice{
	Kinds:   []string{"evtchn_unmask", "ioreq", "ioresp"},
	Sampled: map[string]uint32{"ioreq": 5, "evtchn_unmask": 3},
}

// frame is the guest frame of an address.
func frame(addr uint64) format.Span {
	return format.Span{First: addr >> xen.PageShift, Last: addr >> xen.PageShift}
}

// flagsOf are the recorder's flags for a choice.
func flagsOf(c format.Choice) (flags []string) {
	for name, values := range map[string][]string{
		"--domain": texts(c.Domains), "--pid": texts(c.PIDs), "--server": texts(c.Servers),
		"--port": texts(c.Ports), "--gfn": texts(c.GFNs), "--kind": c.Kinds, "--sample-kind": sampling(c.Sampled),
	} {
		if len(values) > 0 {
			flags = append(flags, name, strings.Join(values, ","))
		}
	}
	return flags
}

func texts[T any](values []T) (texts []string) {
	for _, v := range values {
		texts = append(texts, fmt.Sprint(v))
	}
	return texts
}

func sampling(of map[string]uint32) (turns []string) {
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		turns = append(turns, kind+":"+strconv.Itoa(int(of[kind])))
	}
	return turns
}

// startSecond starts a recorder beside the scenario's.
func (r *run) startSecond(flags ...string) (err error) {
	if !r.config.HasRecorder {
		return nil
	}
	r.second, err = startOther(SecondLog, filepath.Join(InDir, RecorderFile), filepath.Join(OutDir, SecondFile), flags...)
	return err
}

func (r *run) stopSecond() error {
	if r.second == nil {
		return nil
	}
	p := r.second
	r.second = nil
	return p.interrupt()
}

// endSecond stops it once its trace has a key-frame.
func (r *run) endSecond() error {
	if err := awaitKeyFrame(filepath.Join(OutDir, SecondFile)); err != nil {
		return err
	}
	return r.stopSecond()
}

// evtchnTypes is where a kernel has the types of the evtchn driver, if it has them.
const evtchnTypes = "/sys/kernel/btf/xen_evtchn"

// startPart starts a recorder of MediatorChoice, which reads where the driver has ports
// from the driver's types.
func (r *run) startPart() error {
	flags := flagsOf(MediatorChoice)
	if _, err := os.Stat(evtchnTypes); err == nil {
		flags = append(flags, "--btf", evtchnTypes)
	}
	return r.startSecond(flags...)
}

// startLatePart starts a recorder of the mediator's process, which keeps hashes of
// guest data.
func (r *run) startLatePart() error {
	c := LateChoice
	c.PIDs = []uint32{uint32(r.mediator.cmd.Process.Pid)}
	return r.startSecond(append(flagsOf(c), "--data", "hash")...)
}
