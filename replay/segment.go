package replay

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// maxFrame is how many events of one key-frame are looked at. One that is
// longer is as good as none.
const maxFrame = 1 << 20

// segment is where a session stands in its trace.
type segment struct {
	frame   []format.Event // of a key-frame that is being read
	over    bool           // it is longer than maxFrame
	begun   bool           // a key-frame or an event was taken
	ended   bool           // Options.To was reached
	damaged bool           // the file was, since the last key-frame
	calm    bool           // nothing that matters was in flight at the last key-frame
	now     uint64         // time of the last event
	next    uint64         // and the number behind its
	changed uint64         // time at which a call that changes routing last returned; 0 for none
}

// quietNS is how long after a change of routing a moment is calm again: a
// request that was routed before it has been found by then.
const quietNS = 20_000_000

// collect takes an event of a key-frame.
func (s *session) collect(e *format.Event) {
	if e.Kind == format.KindKeyFrame {
		s.endFrame()
	}
	if len(s.frame) == maxFrame {
		s.over = true
		return
	}
	s.frame = append(s.frame, *e)
}

// endFrame takes the key-frame that has been read, if one was, and says whether
// the session goes on from what it says.
func (s *session) endFrame() bool {
	if len(s.frame) == 0 {
		return false
	}
	opening := !s.begun
	s.begun = true
	f := s.frame
	s.frame = s.frame[:0]
	s.report.KeyFrames++
	err := s.intact(f)
	if err == nil {
		s.calm = f[0].KeyFrame().Calm
		err = s.resume(f, opening)
	}
	if err != nil {
		s.callsLost = s.callsLost || opening || s.damaged // whatever it held is not known
		s.mismatch(f[0].Seq, err.Error())
	}
	return err == nil
}

// intact says whether all events of a key-frame are there. One that is not is
// left alone.
func (s *session) intact(f []format.Event) error {
	over := s.over
	s.over = false
	switch n := f[0].KeyFrame().Count; {
	case over:
		return badFrame("more than %d events", maxFrame)
	case f[0].Kind != format.KindKeyFrame:
		return badFrame("it lacks its beginning")
	case n != uint64(len(f)):
		return badFrame("%d events, and its beginning says %d", len(f), n)
	}
	return nil
}

// resume starts the session anew at a key-frame: from what it says if it opens
// the trace or repairs a hole in it, else from the session's own state.
func (s *session) resume(f []format.Event, opening bool) error {
	if !opening && !s.damaged {
		own := s.keyFrame(f[0].Seq, f[0].Time, f[0].KeyFrame().Calm)
		err := s.renew(own)
		if err == nil && s.report.ProfileSource != fromOptions { // another Xen has other state
			err = compare(own, f)
		}
		return err
	}
	n, err := s.restore(f)
	if err != nil {
		return err
	}
	s.settleAccounts()
	s.replace(n)
	s.damaged = false
	return nil
}

// renew starts the session anew from its own key-frame, as whoever reads only
// what follows does.
func (s *session) renew(own []format.Event) error {
	s.settleAccounts()
	n, err := s.restore(own)
	if err == nil {
		s.replace(n)
	}
	return err
}

// settleAccounts closes what a segment leaves open: differences that a loss
// might have explained, costs of calls that took effect and did not return.
func (s *session) settleAccounts() {
	s.settleSuspects()
	s.interval = false
	s.chargeApplied()
}

// chargeApplied charges the calls in flight that have taken effect.
func (s *session) chargeApplied() {
	for _, c := range s.calls {
		if d := s.domains.at(c.dom); d != nil && c.effect != nil && c.effect.Ret.Known {
			s.charge(d, &c.effect.Cost)
			c.effect.Cost = engine.Cost{}
		}
	}
}

// replace makes n the session's state. Lives that go on keep their accounts.
func (s *session) replace(n state) {
	for _, old := range s.lives {
		s.bury(old)
		if n.domains.at(old.id) == nil {
			s.retire(old)
		}
	}
	for _, d := range n.lives {
		if !d.gone {
			s.pasts.begin(&d.past)
		}
		old := s.domains.at(d.id)
		if old == nil {
			s.account(d)
			continue
		}
		old.rep.Complete = d.rep.Complete
		d.rep = old.rep
	}
	s.state = n
	s.bound()
}

func (s *session) mismatch(seq uint64, what string) {
	if s.report.KeyFrameMismatches++; s.report.FirstMismatch == "" {
		s.report.FirstMismatch = fmt.Sprintf("in front of event %d: %s", seq, what)
	}
}

// compare returns the first difference of two key-frames. Whether the moment
// was calm is their writer's to say.
func compare(own, recorded []format.Event) error {
	for i := range max(len(own), len(recorded)) {
		switch {
		case i >= len(own):
			return fmt.Errorf("it has %q, the events before it do not say so", format.AppendText(nil, recorded[i]))
		case i >= len(recorded):
			return fmt.Errorf("it lacks %q", format.AppendText(nil, own[i]))
		case i == 0 && own[0].KeyFrame().Lost == recorded[0].KeyFrame().Lost && own[0].KeyFrame().CallsLost == recorded[0].KeyFrame().CallsLost:
		case own[i] != recorded[i]:
			return fmt.Errorf("it has %q, the events before it say %q", format.AppendText(nil, recorded[i]), format.AppendText(nil, own[i]))
		}
	}
	return nil
}

// calmAt says whether a key-frame at that time leaves nothing in flight that a
// verdict can hang on: no call of the model's subject, and no request that was
// routed before the last change.
func (s *session) calmAt(time uint64) bool {
	if s.changed != 0 && time < s.changed+quietNS {
		return false
	}
	for _, c := range s.calls {
		if c.judged() && !c.stale {
			return false
		}
	}
	return true
}

// changes says whether a call can change where requests go.
func (c *call) changes() bool {
	return c.asks == engine.OpAcquire || subject(c.dm.Op) && c.dm.Op != xen.OpGetIOReqServerInfo
}
