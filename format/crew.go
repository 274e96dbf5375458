package format

import "sync"

// A crew decodes blocks ahead of a loop, one in each goroutine. The loop decodes
// blocks, too: those that nobody has when their turn comes, and these it passes on
// while they are in the cache. So while it decodes one, the next that nobody has is
// left to it.
type crew struct {
	f      *File
	blocks []Block
	wait   sync.WaitGroup

	mu     sync.Mutex
	change sync.Cond    // of what follows
	next   int          // the block whose turn it is
	alone  bool         // the loop decodes that itself
	taken  map[int]*job // the others' blocks
	idle   []*job
	over   bool
}

// newCrew returns one for so many goroutines, which may be none. Each has room for a
// block that waits for its turn beside the one that it decodes: without it, two
// goroutines are 1.5 times as fast as one.
func newCrew(f *File, blocks []Block, first, members int) *crew {
	c := &crew{f: f, blocks: blocks, next: first, alone: true, taken: make(map[int]*job)}
	c.change.L = &c.mu
	for range 2 * members {
		c.idle = append(c.idle, new(job))
	}
	return c
}

// work decodes blocks with x until the loop is over.
func (c *crew) work(x *blockReader) {
	for j := c.take(); j != nil; j = c.take() {
		c.f.load(x, j)
		c.mu.Lock()
		j.ready = true
		c.mu.Unlock()
		c.change.Broadcast()
	}
}

// take returns the next block to decode, when there is room for it; nil when the
// loop is over.
func (c *crew) take() *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.over {
		if n := c.free(); n < len(c.blocks) && len(c.idle) > 0 {
			last := len(c.idle) - 1
			j := c.idle[last]
			c.idle = c.idle[:last]
			j.number, j.block, j.ready = n, c.blocks[n], false
			c.taken[n] = j
			return j
		}
		c.change.Wait()
	}
	return nil
}

// free returns the first block that nobody has, and that is not left to the loop.
func (c *crew) free() int {
	n, left := c.next, 0
	if c.alone {
		n, left = n+1, 1
	}
	for ; c.taken[n] != nil || left > 0; n++ {
		if c.taken[n] == nil {
			left--
		}
	}
	return n
}

// turn waits for block n, and returns who has it: nil if the loop has to decode it.
func (c *crew) turn(n int) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.taken[n]
	c.next, c.alone = n, j == nil
	c.change.Broadcast()
	for j != nil && !j.ready {
		c.change.Wait()
	}
	return j
}

// release takes back a block that was delivered.
func (c *crew) release(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.taken, j.number)
	c.next = j.number + 1
	c.idle = append(c.idle, j)
}

// end lets all members end, and waits for them.
func (c *crew) end() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.change.Broadcast()
	c.wait.Wait()
}
