package replay

// speak ends the silence before Options.From: all counts begin, with event from.
// A key-frame in front of it counts.
func (s *session) speak(from uint64) {
	r := &s.report
	r.KeyFrames, r.KeyFrameMismatches, r.FirstMismatch = 0, 0, ""
	s.endFrame()
	s.report = Report{
		Profile: r.Profile, ProfileSource: r.ProfileSource, From: from, Unknown: map[string]uint64{}, CostLowerBound: true,
		KeyFrames: r.KeyFrames, KeyFrameMismatches: r.KeyFrameMismatches, FirstMismatch: r.FirstMismatch,
	}
	s.quiet = false
	for _, d := range s.lives {
		*d.rep = DomainReport{Dom: d.id, Complete: d.rep.Complete}
		s.account(d)
	}
}
