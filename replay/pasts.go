package replay

// pasts holds the memory of histories that have ended for those that begin: at
// each key-frame all do. Sessions side by side share it.
type pasts chan []step

// maxPasts is how many are held at most: as many as a busy host has domains.
const maxPasts = 64

func newPasts() pasts { return make(pasts, maxPasts) }

// begin gives h room for its steps, if there is any.
func (p pasts) begin(h *history) {
	select {
	case h.steps = <-p:
		h.room = 0
	default:
	}
}

// end takes the room of h, whose steps nobody needs any more.
func (p pasts) end(h *history) {
	if cap(h.steps) == 0 {
		return
	}
	select {
	case p <- h.steps[:0]:
	default:
	}
	h.steps, h.room = nil, 0
}

// bury ends the past of a life.
func (s *session) bury(d *domain) {
	s.reclaim(d.past.steps)
	s.pasts.end(&d.past)
}

// reclaim takes back the calls of steps that go.
func (s *session) reclaim(steps []step) {
	for i := range steps {
		if st := &steps[i]; st.call != nil && !st.early {
			s.spare = append(s.spare, st.call)
		}
	}
}
