package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// slotsOnly is what a missed notification or answer hides.
const slotsOnly = engine.ForgetSlots

// hides says what the model cannot know after a probe lost something.
var hides = [...]engine.Forget{
	// What was lost is not known, so it may have been anything.
	format.ProbeUnknown: engine.ForgetAll,
	format.ProbeWriter:  engine.ForgetAll,
	format.ProbeFile:    engine.ForgetAll,
	// Hypercalls make servers, ranges, claims and page types.
	format.ProbePrivcmd: engine.ForgetAll,
	// Answers are taken at the notification; binding changes nothing in the model.
	format.ProbeEvtchnIoctl: slotsOnly,
	format.ProbeIOResp:      slotsOnly,
	// Requests are taken when the event is read. One of them may have been a
	// write to CF8.
	format.ProbeEvtchnRead: engine.ForgetSlots | engine.ForgetLatch,
	format.ProbeIOReq:      engine.ForgetSlots | engine.ForgetLatch,
	// The model has no masks and no arrival times.
	format.ProbeEvtchnWrite: 0,
	format.ProbeInterrupt:   0,
	// A buffered request leaves no state behind: it is a memory write.
	format.ProbeRing: 0,
	// A process's end changes nothing in Xen by itself.
	format.ProbeProcess: 0,
}

// hidden is what the model cannot know after p lost something, if that is a probe.
func hidden(p format.Probe) engine.Forget {
	if int(p) < len(hides) {
		return hides[p]
	}
	return engine.ForgetAll
}

// lose takes a Lost event. A loss that names a domain is that domain's; any
// other is everybody's.
func (s *session) lose(ev *format.Event) {
	l := ev.Lost()
	s.report.Lost += l.Count
	s.report.LostUncounted = s.report.LostUncounted || l.Count == 0
	s.lost += l.Count
	s.damaged = s.damaged || l.Probe == format.ProbeFile
	f := hidden(l.Probe)
	s.explain(l.Dom, f)
	calls := f == engine.ForgetAll
	for _, c := range s.calls {
		if calls && (!isDomain(l.Dom) || c.dom == l.Dom) {
			c.stale = true
		}
	}
	if isDomain(l.Dom) {
		if d := s.domains.at(l.Dom); d != nil {
			d.lose(f)
			if l.Probe == format.ProbeRing && l.Server != xen.NoServer {
				d.rings.lost(l.Server, l.Count)
			}
		} else if calls {
			s.begin(l.Dom, false)
		}
		return
	}
	s.callsLost = s.callsLost || calls
	for _, d := range s.lives {
		d.lose(f)
	}
}

// lose forgets what f names. A domain of which calls were lost may even have
// ended and begun anew.
func (d *domain) lose(f engine.Forget) {
	if f == engine.ForgetAll {
		d.rep.Complete, d.dying, d.gone = false, false, false
	}
	d.forget(f)
}
