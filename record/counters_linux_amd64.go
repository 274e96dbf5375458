package record

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/format"
)

// counters reads the loss counters.
func (p *probes) counters() (map[lossKey]uint64, error) {
	now := map[lossKey]uint64{}
	m := p.coll.Maps[fentryMapLost]
	var perCPU []uint64
	for i := range uint32(lossProbes * lossReasons) {
		if err := m.Lookup(i, &perCPU); err != nil {
			return nil, fmt.Errorf("loss counters: %w", err)
		}
		for cpu, n := range perCPU {
			if n > 0 {
				now[lossKey{format.Probe(i / lossReasons), format.Reason(i % lossReasons), int64(cpu)}] = n
			}
		}
	}
	for probe, n := range p.missed() {
		if n > 0 {
			now[lossKey{probe, format.ReasonMissed, noCPU}] = n
		}
	}
	return now, nil
}

// tried reads how many records each CPU tried to make.
func (p *probes) tried() (map[uint16]uint64, error) {
	var perCPU []uint64
	if err := p.coll.Maps[fentryMapSequence].Lookup(uint32(0), &perCPU); err != nil {
		return nil, fmt.Errorf("sequence numbers: %w", err)
	}
	tried := map[uint16]uint64{}
	for cpu, n := range perCPU {
		tried[uint16(cpu)] = n
	}
	return tried, nil
}
