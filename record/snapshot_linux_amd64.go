package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
)

// snapshot learns what existed before the probes were attached: the domains
// that dom0 has event channels to, their ioreq servers, the channels, and the
// pages that may be servers'. It asks Xen nothing that changes anything, and
// says in Unlearned events what cannot be asked.
type snapshot struct {
	call   *xencall
	probes *probes
	dec    *decoder
	events []format.Event
	models []uint32 // processes that may have a buffered ring
}

func (s *snapshot) emit(ev func(uint64) format.Event) {
	s.events = append(s.events, ev(nanoseconds(unix.CLOCK_MONOTONIC)))
}

// take fills s.events and tells the probes.
func (s *snapshot) take() error {
	ports, err := s.findPorts()
	if err != nil {
		return err
	}
	for _, dom := range remoteDomains(ports) {
		s.findDomain(dom)
	}
	for _, p := range ports {
		s.emit(p.Event)
		if err := s.tellPort(p); err != nil {
			return err
		}
	}
	return s.findPages()
}

// maxPorts is how many event channels a domain can have.
const maxPorts = 1 << 17

// findPorts asks about each of dom0's ports until Xen has no more.
func (s *snapshot) findPorts() (found []format.PortFound, err error) {
	for p := xen.Port(1); p < maxPorts; p++ {
		st, err := s.call.portStatus(p)
		if errors.Is(err, unix.EINVAL) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("status of event channel %d: %w", p, err)
		}
		if st.Status == xen.PortInterdomain && s.dec.wanted(st.RemoteDom) {
			found = append(found, format.PortFound{Dom: st.RemoteDom, Local: p, RemoteInDom: st.RemotePort})
		}
	}
	return found, nil
}

func remoteDomains(ports []format.PortFound) (doms []xen.DomID) {
	for _, p := range ports {
		if p.Dom != xen.Dom0 && !slices.Contains(doms, p.Dom) {
			doms = append(doms, p.Dom)
		}
	}
	slices.Sort(doms)
	return doms
}

// findDomain learns about one domain. One that is not HVM refuses all dm_ops
// and has no servers.
func (s *snapshot) findDomain(dom xen.DomID) {
	vcpus, err := s.call.vcpus(dom)
	s.emit(format.DomainFound{Dom: dom, VCPUs: vcpus}.Event)
	if err != nil {
		s.unlearned(dom, xen.NoServer, format.WhatVCPUs)
	}
	hvm := false
	for id := range xen.ServerID(8) {
		port, err := s.call.serverInfo(dom, id)
		hvm = hvm || err == nil || errors.Is(err, unix.ENOENT)
		if err != nil {
			continue
		}
		f := format.ServerFound{Dom: dom, Server: id, BufPort: port}
		s.dec.late.found[dom] = append(s.dec.late.found[dom], f)
		s.emit(f.Event)
		s.unlearned(dom, id, format.WhatRanges)
		s.unlearned(dom, id, format.WhatEnabled)
	}
	if !hvm {
		s.unlearned(dom, xen.NoServer, format.WhatServers)
		return
	}
	s.unlearned(dom, xen.NoServer, format.WhatClaim)
	s.unlearned(dom, xen.NoServer, format.WhatPageTypes)
	if len(s.dec.late.found[dom]) > 0 && len(s.probes.hookedDrivers) > 0 {
		s.unlearned(dom, xen.NoServer, format.WhatDriverPorts)
	}
}

func (s *snapshot) unlearned(dom xen.DomID, id xen.ServerID, w format.What) {
	s.emit(format.Unlearned{Dom: dom, Server: id, What: w}.Event)
}

// tellPort enters a port into the probes' table, unless they have seen it bound. Its reads
// they may have seen.
func (s *snapshot) tellPort(p format.PortFound) error {
	table := s.probes.coll.Maps[fentryMapPorts]
	var known fentryPort
	err := table.Lookup(uint32(p.Local), &known)
	if err == nil && known.Remote == 0 {
		err = table.Put(uint32(p.Local), &fentryPort{
			Remote: uint32(p.RemoteInDom), Dom: uint16(p.Dom), Server: uint16(xen.NoServer), Taken: known.Taken, Read: known.Read,
		})
	}
	if err != nil {
		return fmt.Errorf("table of ports: local port %d: %w", p.Local, err)
	}
	return nil
}

// findPages looks through all processes that hold both devices.
func (s *snapshot) findPages() error {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		pid, err := strconv.ParseUint(filepath.Base(dir), 10, 32)
		if err != nil || int(pid) == os.Getpid() || !holdsDevices(dir) {
			continue
		}
		maps, err := os.ReadFile(dir + "/maps")
		if err != nil {
			continue // it has just ended
		}
		if err := s.tellPages(uint32(pid), serverPages(string(maps), privcmdPath)); err != nil {
			return err
		}
	}
	return nil
}

func holdsDevices(dir string) bool {
	fds, err := filepath.Glob(dir + "/fd/*")
	if err != nil {
		return false
	}
	privcmd, evtchn := false, false
	for _, fd := range fds {
		to, _ := os.Readlink(fd)
		privcmd = privcmd || to == privcmdPath
		evtchn = evtchn || to == evtchnPath
	}
	return privcmd && evtchn
}

// tellPages gives the probes the pages that may be a server's. They believe it
// once the process reads a port whose remote end stands in a slot of the page.
func (s *snapshot) tellPages(pid uint32, pairs []pagePair) error {
	var t fentryTable
	all := count(pairs)
	if len(pairs) == 0 {
		return nil
	}
	// Half of the table stays free for what the process maps from now on.
	if room := s.probes.servers / 2; len(pairs) > room {
		s.unlearned(xen.DomInvalid, xen.NoServer, format.WhatServerOfPage)
		pairs = pairs[:room]
	}
	now := nanoseconds(unix.CLOCK_MONOTONIC)
	t.Used, t.Generation = uint32(len(pairs)), uint32(now)
	for i, p := range pairs {
		t.S[i] = fentryServer{
			Sync: p.Sync, Buf: p.Buf, Born: now, Ring: now, Dom: uint16(xen.DomInvalid), Id: uint16(xen.NoServer),
		}
		if p.Buf == 0 {
			continue
		}
		name := uint64(pid)<<32 | uint64(i) // ring_name in bpf/state.h
		if err := s.probes.coll.Maps[fentryMapRings].Put(name, &fentryRing{Born: now}); err != nil {
			return fmt.Errorf("table of rings: %w", err)
		}
	}
	err := s.probes.coll.Maps[fentryMapServers].Update(pid, &t, ebpf.UpdateNoExist)
	if errors.Is(err, ebpf.ErrKeyExist) {
		// It has mapped another server meanwhile: its older pages stay unknown.
		s.unlearned(xen.DomInvalid, xen.NoServer, format.WhatServerOfPage)
		return nil
	}
	if err != nil {
		return fmt.Errorf("table of servers: %w", err)
	}
	s.dec.late.pages[pid] = all
	s.models = append(s.models, pid)
	return nil
}
