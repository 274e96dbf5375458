package flight

// A Schedule says when triggers lead to a dump. All times are of events, in ns.
// The zero value dumps at every firing, at once.
type Schedule struct {
	After uint64 // how long the capture goes on before a dump
	Every uint64 // least distance of two firings that lead to dumps

	pending    bool
	fired      bool
	last       uint64 // the firing that led to a dump last
	suppressed uint64
}

// Fire takes a firing. It is true for one that leads to a dump of its own; others
// fall into one that is pending, or come too early after the last.
func (s *Schedule) Fire(now uint64) bool {
	if s.pending || s.fired && (now < s.last || now-s.last < s.Every) {
		s.suppressed++
		return false
	}
	s.pending, s.fired, s.last = true, true, now
	return true
}

// Pending says whether a dump is to come, Due whether it is time for it. It
// stays so until Done.
func (s *Schedule) Pending() bool       { return s.pending }
func (s *Schedule) Due(now uint64) bool { return s.pending && now >= s.last && now-s.last >= s.After }

// Done says that the pending dump has begun.
func (s *Schedule) Done() { s.pending = false }

// Suppressed returns how many firings led to no dump of their own.
func (s *Schedule) Suppressed() uint64 { return s.suppressed }
