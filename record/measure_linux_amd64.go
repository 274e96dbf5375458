package record

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// startMeasuring has the kernel measure programs, of everybody, until the result
// is closed.
func startMeasuring() (io.Closer, error) {
	c, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return nil, fmt.Errorf("measuring probes: %w", err)
	}
	return c, nil
}

// times reads how long each probe ran since it was attached.
func (p *probes) times() (all []ProbeTime, err error) {
	for i, prog := range p.programs {
		st, err := prog.Stats()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.attached[i], err)
		}
		all = append(all, ProbeTime{p.attached[i], st.RunCount, st.Runtime})
	}
	sample := p.coll.Programs[kprobeProgSample]
	if sample == nil { // a capture without rings; and tier A's timers are no programs, and not measured
		return all, nil
	}
	st, err := sample.Stats()
	if err != nil {
		return nil, fmt.Errorf("sampler: %w", err)
	}
	return append(all, ProbeTime{threadSampler, st.RunCount, st.Runtime}), nil
}
