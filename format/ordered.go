package format

import (
	"iter"
	"sync"
)

// Ordered has workers go through blocks at the same time, from number first of the
// index on, which must follow upon the block before, and iterates over what they make
// of each, in the order of the file.
//
// do gets the events of one block in chunks, as far as they are right. A chunk is
// valid until the next; it may be changed. Calls of do run side by side, up to
// workers of them, the loop's own goroutine being one; so what do needs for itself
// belongs into T. room is what an earlier call returned and the loop is done with, to
// be used again, or at first the zero value. A result is valid until the next step.
//
// Errors come as for Events: all that is right in front of the damage, of the damaged
// block too, then the error, as the last pair. What do returned for blocks behind it,
// or behind the one where the loop breaks off, is dropped. Nothing runs on after the
// loop.
//
// A worker holds a block's payload and a chunk. However slow the loop, there are no
// more than four results for each worker.
func Ordered[T any](f *File, first, workers int, do func(room T, chunks iter.Seq[[]Event]) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p := f.pipeline(first)
		err := p.run(func() error {
			c := crew[T]{f: f, do: do}
			return c.run(p, workers, yield)
		})
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// lookAhead is how many blocks for each further worker are under way. With fewer,
// workers wait for the block whose turn it is.
const lookAhead = 4

// A crew goes through the blocks of a file for one loop.
type crew[T any] struct {
	f    *File
	do   func(T, iter.Seq[[]Event]) T
	jobs chan *job[T] // that nobody has begun
	wait sync.WaitGroup
}

// A job is one block on its way from the file to the loop.
type job[T any] struct {
	outcome
	result T
	done   chan struct{}
}

// run has p deliver blocks until the last one, an error, or the loop's end.
func (c *crew[T]) run(p *pipeline, workers int, yield func(T, error) bool) error {
	blocks := len(c.f.index.Blocks)
	workers = max(1, min(workers, blocks-p.next))
	ring := make([]job[T], lookAhead*(workers-1)+1) // block n's is at n modulo its size
	for i := range ring {
		ring[i].done = make(chan struct{}, 1)
	}
	c.jobs = make(chan *job[T], len(ring))
	defer c.stop()
	l, err := c.start(workers)
	if err != nil {
		return err
	}
	defer c.f.release(l)
	for sent := p.next; p.next < blocks; {
		for ; sent < min(blocks, p.next+len(ring)); sent++ {
			j := &ring[sent%len(ring)]
			j.number = sent
			c.jobs <- j
		}
		j := &ring[p.next%len(ring)]
		c.await(l, j)
		err := p.deliver(&j.outcome, func() bool { return yield(j.result, nil) })
		if err != nil || p.stopped {
			return err
		}
	}
	return nil
}

// start lets all workers begin but the loop's own goroutine, whose loader it returns.
func (c *crew[T]) start(workers int) (*loader, error) {
	for range workers - 1 {
		l, err := c.f.loader()
		if err != nil {
			return nil, err
		}
		c.wait.Go(func() {
			defer c.f.release(l)
			for j := range c.jobs {
				c.work(l, j)
			}
		})
	}
	return c.f.loader()
}

// stop waits for the workers, each of which ends the block that it has.
func (c *crew[T]) stop() {
	close(c.jobs)
	for range c.jobs { // that are of no use any more
	}
	c.wait.Wait()
}

// work does j and says so.
func (c *crew[T]) work(l *loader, j *job[T]) {
	l.open(c.f, j.number)
	if l.some {
		j.result = c.do(j.result, l.seq)
	}
	for l.read() { // what do left
	}
	j.outcome = l.outcome
	j.done <- struct{}{}
}

// await waits for j. Until it is done, the loop's goroutine does others, so that no
// processor has to wake another for each block.
func (c *crew[T]) await(l *loader, j *job[T]) {
	for {
		select {
		case <-j.done:
			return
		default:
		}
		select {
		case <-j.done:
			return
		case other := <-c.jobs:
			c.work(l, other)
		}
	}
}
