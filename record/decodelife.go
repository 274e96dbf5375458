package record

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
)

// process notes the name of a process. The name that the probe saw is the
// calling thread's; of another than the first, the process's own is better if it
// is still there.
func (d *decoder) process(h rawHead, name string) {
	if d.known[h.PID] {
		return
	}
	d.known[h.PID] = true
	if h.TID != h.PID {
		name = cmp.Or(d.comm(h.PID), name)
	}
	d.emit(format.Process{PID: h.PID, Comm: name}.Event(h.Time))
}

// exec gives a process the name of its new program. The old one's mappings are
// gone; a descriptor may have stayed open.
func (d *decoder) exec(h rawHead, name string) {
	d.unmapped(h)
	d.known[h.PID] = true
	d.emit(format.Process{PID: h.PID, Comm: name}.Event(h.Time))
}

// see names the process of a record that comes before any call of it.
func (d *decoder) see(h rawHead) {
	if d.known[h.PID] {
		return
	}
	d.known[h.PID] = true
	d.emit(format.Process{PID: h.PID, Comm: d.comm(h.PID)}.Event(h.Time))
}

// commIn returns the name in a rawProcess or rawExec.
func commIn(b []byte) string {
	name, _, _ := bytes.Cut(b[rawHeadSize:rawSizes[rawProcess]], []byte{0})
	return string(name)
}

// exit closes the accounts of a process and forgets it: its number may be given
// to another. Its other threads may still be returning from their calls.
func (d *decoder) exit(h rawHead) {
	d.unmapped(h)
	if d.known[h.PID] { // else no event names it
		d.emit(format.ProcessExit{PID: h.PID}.Event(h.Time))
	}
	delete(d.known, h.PID)
	delete(d.calls, h.TID)
	d.drivers.forget(h.PID)
}

// unmapped closes the accounts of all that a process had mapped.
func (d *decoder) unmapped(h rawHead) {
	d.ended(h.PID)
	d.order = slices.DeleteFunc(d.order, func(rg *ring) bool {
		if rg.mapping.pid != h.PID {
			return false
		}
		d.ringCount(h.Time, rg)
		delete(d.rings, rg.mapping)
		return true
	})
	maps.DeleteFunc(d.requests, func(k slotKey, _ uint64) bool { return k.pid == h.PID })
	maps.DeleteFunc(d.reads, func(k portKey, _ bool) bool { return k.pid == h.PID })
	d.late.forget(h.PID)
}
