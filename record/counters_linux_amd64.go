package record

import (
	"errors"
	"fmt"
	"maps"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// counters are the loss counters as they were read last. They seldom grow, and
// each takes a system call to read, so their sum is looked at first.
type counters struct {
	probes *probes
	sum    uint64
	lost   map[lossKey]uint64
}

// read returns the counters, in a map of the caller's.
func (c *counters) read() (map[lossKey]uint64, error) {
	sum, err := c.probes.lostAt(lossSum)
	if err != nil {
		return nil, err
	}
	if total := add(sum); c.lost == nil || total != c.sum {
		if c.lost, err = c.probes.lost(); err != nil {
			return nil, err
		}
		c.sum = total
	}
	return maps.Clone(c.lost), nil
}

// lossSum is where the sum of all counters stands.
const lossSum = 0

func add(perCPU []uint64) (sum uint64) {
	for _, n := range perCPU {
		sum += n
	}
	return sum
}

// lost reads what the programs have counted.
func (p *probes) lost() (map[lossKey]uint64, error) {
	now := map[lossKey]uint64{}
	for i := uint32(lossSum + 1); i < lossProbes*lossReasons; i++ {
		perCPU, err := p.lostAt(i)
		if err != nil {
			return nil, err
		}
		for cpu, n := range perCPU {
			if n > 0 {
				now[undivided(format.Probe(i/lossReasons), format.Reason(i%lossReasons), int64(cpu))] = n
			}
		}
	}
	domains, err := p.lostOf()
	divide(now, domains)
	return now, err
}

// lostOf reads what of it domains have lost.
func (p *probes) lostOf() (map[lossKey]uint64, error) {
	of := map[lossKey]uint64{}
	var k fentryLoss
	var n uint64
	it := p.coll.Maps[fentryMapLostOf].Iterate()
	for it.Next(&k, &n) {
		of[lossKey{format.Probe(k.Probe), format.Reason(k.Reason), int64(k.Cpu), xen.DomID(k.Dom)}] = n
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("losses of domains: %w", err)
	}
	return of, nil
}

func (p *probes) lostAt(i uint32) (perCPU []uint64, err error) {
	if err := p.coll.Maps[fentryMapLost].Lookup(i, &perCPU); err != nil {
		return nil, fmt.Errorf("loss counters: %w", err)
	}
	return perCPU, nil
}

// tried reads how many records each CPU tried to make.
func (p *probes) tried() (perCPU []uint64, err error) {
	if err := p.coll.Maps[fentryMapSequence].Lookup(uint32(0), &perCPU); err != nil {
		return nil, fmt.Errorf("sequence numbers: %w", err)
	}
	return perCPU, nil
}

// made reads how many records each CPU tried to make for each probe, in tier C, whose
// programs are not told which found room. In the others there are none.
func (p *probes) made() (made recordsMade, err error) {
	if !p.perCPU() {
		return nil, nil
	}
	if err := p.coll.Maps[fentryMapSequence].Lookup(uint32(0), &made); err != nil {
		return nil, fmt.Errorf("sequence numbers: %w", err)
	}
	return made, nil
}

// waiting reads what the table of ports has of a port's events that waits for a record.
// The times come first there: what belongs to one that is seen stands already.
func (p *probes) waiting(port uint32) (waiting, error) {
	var v fentryPort
	if err := p.coll.Maps[fentryMapPorts].Lookup(port, &v); err != nil {
		return waiting{}, fmt.Errorf("table of ports: local port %d: %w", port, err)
	}
	by := format.Caller{PID: uint32(v.UnmaskedBy >> 32), TID: uint32(v.UnmaskedBy)}
	return waiting{arrived: v.Arrived, unmasked: v.Unmasked, cpu: v.ArrivedOn, by: by}, nil
}

// ringTotals reads how many slots the probes have seen filled of each ring that there
// still is, or of whose end they could make no record.
func (p *probes) ringTotals() (map[ringName]uint64, error) {
	totals := map[ringName]uint64{}
	var name, born uint64
	var g fentryRing
	it := p.coll.Maps[fentryMapRings].Iterate()
	for it.Next(&name, &g) {
		totals[parseRingName(name, g.Born)] = g.Total
	}
	var e fentryEndedRing
	ended := p.coll.Maps[fentryMapEndedRings].Iterate()
	for ended.Next(&born, &e) {
		totals[parseRingName(e.Name, born)] = e.Total
	}
	if err := errors.Join(it.Err(), ended.Err()); err != nil {
		return nil, fmt.Errorf("tables of rings: %w", err)
	}
	return totals, nil
}

// parseRingName takes a name of ring_name in bpf/state.h apart.
func parseRingName(name, born uint64) ringName {
	const named = 1 << 63
	if name&named != 0 {
		return ringName{xen.DomID(name >> 16), xen.ServerID(name), mapping{born: born}}
	}
	return ringName{server: xen.NoServer, in: mapping{born, uint32(name >> 32), uint16(name)}}
}

// leftOut reads how many events of each kind sampling has left out.
func (p *probes) leftOut() (map[format.Kind]uint64, error) {
	left := map[format.Kind]uint64{}
	for _, w := range []struct {
		raw    rawKind
		events []format.Kind
	}{
		{rawSlotIn, []format.Kind{format.KindEvtchnRead, format.KindIOReq}}, {rawSlotOut, []format.Kind{format.KindIOResp}},
		{rawInterrupt, []format.Kind{format.KindEvtchnInterrupt}}, {rawUnmask, []format.Kind{format.KindEvtchnUnmask}},
	} {
		var perCPU []fentryTurns
		if err := p.coll.Maps[fentryMapSampled].Lookup(uint32(w.raw), &perCPU); err != nil {
			return nil, fmt.Errorf("counts of sampling: %w", err)
		}
		for _, t := range perCPU {
			for _, k := range w.events {
				left[k] += t.Left
			}
		}
	}
	return left, nil
}
