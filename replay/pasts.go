package replay

// pasts holds the memory of histories that have ended for those that begin: at
// each key-frame all do. Sessions side by side share it.
type pasts chan []step

// maxPasts is how many parts of histories are held at most: those of as many domains
// as a busy host has.
const maxPasts = 128

func newPasts() pasts { return make(pasts, maxPasts) }

// begin gives h room for its steps, if there is any.
func (p pasts) begin(h *history) {
	h.steps, h.older, h.room = p.take(), p.take(), 0
}

func (p pasts) take() []step {
	select {
	case steps := <-p:
		return steps
	default:
		return nil
	}
}

// end takes the room of h, whose steps nobody needs any more.
func (p pasts) end(h *history) {
	for _, steps := range [][]step{h.older, h.steps} {
		if cap(steps) == 0 {
			continue
		}
		select {
		case p <- steps[:0]:
		default:
		}
	}
	h.older, h.steps, h.room = nil, nil, 0
	h.recall()
}

// bury ends the past of a life.
func (s *session) bury(d *domain) {
	s.reclaim(d.past.calls)
	s.pasts.end(&d.past)
}

// reclaim takes back the calls of steps that go.
func (s *session) reclaim(calls []*call) {
	for _, c := range calls {
		if c.left {
			s.spare = append(s.spare, c)
		}
	}
}
