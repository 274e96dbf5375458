package replay

import (
	"iter"
	"sync"

	"github.com/iotrace-xen/iotrace/format"
)

// RunFile is Run for a trace that can be read at any place. Up to workers
// segments are replayed at the same time, each from the key-frame that it begins
// with. A segment counts only if the replay of everything before it arrives at
// that key-frame; if not, it is replayed again from what the replay arrived at.
// So verdicts, their order and the report are those of a replay from front to
// back, whatever the number of workers.
//
// Segments are as long as the trace makes them. What is held of one that is
// replayed ahead is its state and some of its verdicts: it waits for its turn
// with the rest.
func RunFile(f *format.File, workers int, opts Options) (Report, error) {
	s, err := begin(f.Header(), opts)
	if err != nil {
		return Report{}, err
	}
	src := source{
		index: f.Index().Blocks, some: f.Stretch,
		rest: func(first int) iter.Seq2[[]format.Event, error] { return f.BatchesFrom(first, workers) },
	}
	err = s.takeSource(src, workers)
	s.broken(err)
	s.finish()
	return s.report, err
}

// A source is a trace in blocks.
type source struct {
	index []format.Block
	some  func(first, limit int) iter.Seq2[[]format.Event, error] // blocks, in batches of some of a block's events; also side by side
	rest  func(first int) iter.Seq2[[]format.Event, error]        // from a block on, whatever the index says
}

// A place is how far a trace was taken: behind so many events of a block. Behind all
// of them it still is that block's, for an error can stand there.
type place struct {
	block  int
	events uint32
}

// pass goes n events on, which are all of one block.
func (src *source) pass(at *place, n int) {
	if at.events == src.index[at.block].Events {
		*at = place{block: at.block + 1}
	}
	at.events += uint32(n)
}

// from is what is behind a place.
func (src *source) from(at place) iter.Seq2[[]format.Event, error] {
	return func(yield func([]format.Event, error) bool) {
		taken := int(at.events)
		for batch, err := range src.rest(at.block) {
			n := min(taken, len(batch))
			taken -= n
			if batch = batch[n:]; (len(batch) > 0 || err != nil) && !yield(batch, err) {
				return
			}
		}
	}
}

// A part is a segment as a worker replays it.
type part struct {
	first, events, limit int // its first block, the first behind its key-frame, and the first behind it

	ahead    *session       // that began with the key-frame
	taken    place          // what it came to
	err      error          // why it ended there; nil at its limit
	verdicts chan []Verdict // closed at its end
}

// verdictBatch is how many verdicts pass at once from a worker to the report,
// verdictRoom how many such batches wait there.
const (
	verdictBatch = 512
	verdictRoom  = 16
)

// parts cuts a trace in front of its key-frames.
func (src *source) parts() []*part {
	var all []*part
	for i := range src.index {
		b := &src.index[i]
		if i == 0 || b.Opens {
			all = append(all, &part{first: i, events: i})
		}
		p := all[len(all)-1]
		if p.limit = i + 1; b.KeyFrame && p.events == i {
			p.events = i + 1
		}
	}
	return all
}

// takeSource takes a trace, several parts at the same time where that is
// possible: not under a profile to which the key-frames do not belong, and not
// where what comes first only makes the state.
func (s *session) takeSource(src source, workers int) error {
	parts := src.parts()
	if workers <= 1 || len(parts) <= 1 || s.quiet || s.opts.To != nil || s.report.ProfileSource == fromOptions {
		return s.takeAll(src.rest(0))
	}
	if next, all := s.takeParts(&src, parts, workers); !all {
		return s.takeAll(src.from(next))
	}
	return nil
}

// takeParts takes what it can of the parts, and returns how far it came; all says that
// there is nothing behind. No worker reads any more when it returns, since what reads on
// may find the index wrong and replace it.
func (s *session) takeParts(src *source, parts []*part, workers int) (next place, all bool) {
	c := crew{session: s, src: src, quit: make(chan struct{})}
	ordered := c.start(parts, workers)
	defer c.wait.Wait()
	defer close(c.quit)
	for p := range ordered {
		if next, all = c.join(p); !all {
			return next, false
		}
	}
	return next, true
}

// A crew replays parts ahead of the session that they belong to.
type crew struct {
	session *session
	src     *source
	quit    chan struct{}
	wait    sync.WaitGroup
}

// start lets workers begin, and returns the parts in their order, each when a
// worker has it or soon will. A few of them are under way at a time.
func (c *crew) start(parts []*part, workers int) <-chan *part {
	ordered, jobs := make(chan *part, workers), make(chan *part)
	c.wait.Go(func() {
		defer close(jobs)
		defer close(ordered)
		for _, p := range parts {
			p.begin(c)
			for _, to := range []chan<- *part{ordered, jobs} {
				select {
				case to <- p:
				case <-c.quit:
					return
				}
			}
		}
	})
	for range workers {
		c.wait.Go(func() {
			for p := range jobs {
				p.run(c)
			}
		})
	}
	return ordered
}

// begin gives the part a session of its own.
func (p *part) begin(c *crew) {
	p.verdicts = make(chan []Verdict, verdictRoom)
	p.ahead = newSession(c.session.profile, c.session.blind, Options{})
	p.ahead.kept, p.ahead.recorded = c.session.kept, c.session.recorded
	p.ahead.report.ProfileSource, p.ahead.pasts = c.session.report.ProfileSource, c.session.pasts
	p.taken = place{block: p.first}
}

// run replays the part.
func (p *part) run(c *crew) {
	defer close(p.verdicts)
	var some []Verdict
	if c.session.opts.OnVerdict != nil {
		p.ahead.opts.OnVerdict = func(v Verdict) {
			if some = append(some, v); len(some) == verdictBatch {
				p.pass(c, some)
				some = nil
			}
		}
	}
	for batch, err := range c.src.some(p.first, p.limit) {
		if p.err = err; err != nil || c.over() {
			break
		}
		p.ahead.takeBatch(batch)
		c.src.pass(&p.taken, len(batch))
	}
	p.ahead.endFrame()
	p.pass(c, some)
}

// pass hands verdicts over when there is room for them.
func (p *part) pass(c *crew, some []Verdict) {
	select {
	case p.verdicts <- some:
	case <-c.quit:
	}
}

// over says whether nobody waits for parts any more.
func (c *crew) over() bool {
	select {
	case <-c.quit:
		return true
	default:
		return false
	}
}

// join makes the next part one of the session. If that does not lead to the
// part's end, it returns the place from which the rest must be replayed.
func (c *crew) join(p *part) (next place, ok bool) {
	s := c.session
	fresh := !s.begun
	if next, ok := s.takeBlocks(c.src, p.first, p.events); !ok {
		return next, false
	}
	if arrived := s.endFrame() || fresh && p.events == p.first; !arrived {
		for range p.verdicts { // of no use
		}
		return s.takeBlocks(c.src, p.events, p.limit)
	}
	for some := range p.verdicts {
		for _, v := range some {
			s.tell(v)
		}
	}
	s.absorb(p.ahead)
	return p.taken, p.err == nil
}

// takeBlocks takes blocks, and returns the place that it came to; ok says that it
// took them all and met no error behind the last, either.
func (s *session) takeBlocks(src *source, first, limit int) (next place, ok bool) {
	next.block = first
	for batch, err := range src.some(first, limit) {
		if err != nil {
			return next, false
		}
		s.takeBatch(batch)
		src.pass(&next, len(batch))
	}
	return next, true
}
