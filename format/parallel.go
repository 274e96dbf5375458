package format

import (
	"errors"
	"iter"
	"sync"
)

// errIndex means that a block is not what the index says.
var errIndex = errors.New("the index is wrong")

// A job is one block on its way from the file to the loop.
type job struct {
	block  Block
	number int // in the index
	raw    []byte
	h      blockHeader
	events []Event
	lost   uint64 // by these events
	err    error  // what is wrong with the block, or behind these events in it
	done   chan struct{}
}

// fetch reads j's block and has x make ready to decode it.
func (f *File) fetch(x *blockReader, j *job) error {
	j.raw = resize(j.raw, int(j.block.Size))
	if _, err := readAt(f.r, j.raw, j.block.Offset); err != nil {
		return err
	}
	h, err := parseBlockHeader(j.raw)
	if err != nil {
		return err
	}
	if !h.hasEvents() || blockOf(j.block.Offset, &h) != j.block {
		return errIndex
	}
	j.h = h
	return x.open(&j.h, j.raw[blockHead:])
}

// load reads and decodes all of j's block.
func (f *File) load(x *blockReader, j *job) {
	j.events = j.events[:0]
	if j.err = f.fetch(x, j); j.err == nil {
		j.events, j.err = x.read(resize(j.events, int(j.h.count)))
		j.lost = x.lost
	}
}

// A loader is what a loop needs that decodes block after block by itself.
type loader struct {
	reader *blockReader
	job    job // its events are some of the block's at a time
}

// maxLoaders is how many a File holds for loops to come.
const maxLoaders = 8

// loader returns one, which release takes back: who replays segments side by side
// has a loop for each.
func (f *File) loader() (*loader, error) {
	select {
	case l := <-f.loaders:
		return l, nil
	default:
	}
	x, err := newBlockReader()
	return &loader{reader: x, job: job{events: make([]Event, decodeChunk)}}, err
}

func (f *File) release(l *loader) {
	select {
	case f.loaders <- l:
	default:
	}
}

// run iterates over the events of the blocks from number first on. If the index
// turns out to be wrong, it reads the headers and goes on from where it was.
func (f *File) run(first, workers int) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		p := pipeline{f: f, next: first, yield: yield}
		p.begin(first)
		for {
			err := p.run(max(1, workers))
			if errors.Is(err, errIndex) && !f.scanned {
				if err = p.rescan(); err == nil {
					continue
				}
			}
			if err == nil && !p.stopped {
				err = f.end
			}
			if err != nil && !p.stopped {
				yield(nil, err)
			}
			return
		}
	}
}

// A pipeline is one loop over a file.
type pipeline struct {
	f       *File
	next    int   // block to deliver
	end     int64 // of the block delivered last
	chain   chain
	any     bool // whether chain.lost is known
	yield   func([]Event, error) bool
	stopped bool
}

// begin makes the chain such that block number first follows.
func (p *pipeline) begin(first int) {
	p.any = first == 0
	if first == 0 {
		return
	}
	b := p.f.index.Blocks[first]
	p.end = b.Offset
	p.chain = chain{before: b.Before, state: b.KeyFrameBefore, segment: b.Segment}
	if b.Opens {
		p.chain.segment--
	}
}

// rescan replaces a wrong index and finds the block to go on with.
func (p *pipeline) rescan() error {
	if err := p.f.scan(); err != nil {
		return err
	}
	p.next = 0
	for _, b := range p.f.index.Blocks {
		if b.Offset >= p.end {
			break
		}
		p.next++
	}
	return nil
}

// run delivers blocks until the last one, an error, or the loop's end.
func (p *pipeline) run(workers int) error {
	blocks := p.f.index.Blocks
	workers = min(workers, len(blocks)-p.next)
	if workers <= 1 {
		return p.runAlone(blocks)
	}
	// Twice as many as work at the same time. With one to spare, workers wait for the
	// block whose turn it is: two then were 1.5 times as fast as one, not 1.8.
	jobs, free := make(chan *job, 2*workers), make([]*job, 2*workers)
	for i := range free {
		free[i] = &job{done: make(chan struct{}, 1)}
	}
	x, err := newBlockReader()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(jobs)
	for range workers - 1 { // the loop's own goroutine is one, too
		x, err := newBlockReader()
		if err != nil {
			return err
		}
		wg.Go(func() {
			for j := range jobs {
				p.f.do(x, j)
			}
		})
	}
	var flying []*job
	for sent := p.next; p.next < len(blocks); {
		for ; len(free) > 0 && sent < len(blocks); sent++ {
			j := free[len(free)-1]
			free = free[:len(free)-1]
			j.number, j.block = sent, blocks[sent]
			flying = append(flying, j)
			jobs <- j
		}
		j := flying[0]
		flying = append(flying[:0], flying[1:]...)
		p.f.await(x, j, jobs)
		if err := p.deliver(j); err != nil || p.stopped {
			return err
		}
		free = append(free, j)
	}
	return nil
}

// do loads j's block and says so.
func (f *File) do(x *blockReader, j *job) {
	f.load(x, j)
	j.done <- struct{}{}
}

// await waits for j. Until its block is there it loads others, so that no
// processor has to wake another for each block.
func (f *File) await(x *blockReader, j *job, jobs <-chan *job) {
	for {
		select {
		case <-j.done:
			return
		default:
		}
		select {
		case <-j.done:
			return
		case k := <-jobs:
			f.do(x, k)
		}
	}
}

// runAlone is run without goroutines. It passes on events as soon as they are
// decoded, while they are in the cache.
func (p *pipeline) runAlone(blocks []Block) error {
	l, err := p.f.loader()
	if err != nil {
		return err
	}
	defer p.f.release(l)
	j := &l.job
	for p.next < len(blocks) {
		j.number, j.block = p.next, blocks[p.next]
		if err := p.runThrough(l.reader, j); err != nil || p.stopped {
			return err
		}
	}
	return nil
}

// runThrough decodes and delivers j's block.
func (p *pipeline) runThrough(x *blockReader, j *job) error {
	err := p.f.fetch(x, j)
	if err == nil {
		err = p.chain.follows(&j.h)
	}
	for err == nil && x.left > 0 {
		var events []Event
		if events, err = x.read(j.events); err == nil && !p.yield(events, nil) {
			p.stopped = true
			return nil
		}
	}
	j.lost = x.lost
	return p.pass(j, err)
}

// deliver passes on a block that was loaded, if it is the one that must follow.
func (p *pipeline) deliver(j *job) error {
	if len(j.events) == 0 {
		return p.pass(j, j.err)
	}
	if err := p.chain.follows(&j.h); err != nil {
		return p.pass(j, err)
	}
	if !p.yield(j.events, nil) {
		p.stopped = true
		return nil
	}
	return p.pass(j, j.err)
}

// pass goes past a block whose events were delivered, unless err says what is wrong
// with it.
func (p *pipeline) pass(j *job, err error) error {
	if err == nil && p.any && p.chain.lost+j.lost != j.h.lost {
		err = malformed("counts %d lost, the events say %d", j.h.lost, p.chain.lost+j.lost)
	}
	if err != nil {
		return placed(err, j.block.Offset, j.number)
	}
	p.chain.advance(&j.h)
	p.any, p.next, p.end = true, p.next+1, j.block.Offset+j.block.Size
	return nil
}
